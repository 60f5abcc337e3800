// SPDX-License-Identifier: Apache-2.0
// Text from a registry or an image must not be able to move the cursor, set a window's title or reorder a line.

// C0 and C1 controls, DEL, and the characters that change the direction of what follows.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]/g;

/** `text` on one line, with control characters shown as escapes: a tab as `\t`, ESC as `\x1b`. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, (character) => {
    const code = character.charCodeAt(0);
    if (character === '\n') return String.raw`\n`;
    if (character === '\t') return String.raw`\t`;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** At most `width` characters, the last one `…` where some were left out. */
export function shorten(text: string, width: number): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  return width <= 0 ? '' : `${characters.slice(0, width - 1).join('')}…`;
}
