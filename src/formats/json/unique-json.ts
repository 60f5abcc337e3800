// SPDX-License-Identifier: Apache-2.0
// JSON (RFC 8259) without repeated names. The standard leaves their meaning open, and readers differ: some take the
// first, some the last. What is signed, or decides about trust, may not have two meanings.

const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/**
 * Parses JSON and refuses objects that have a name twice.
 * @throws Error with a plain reason that shows nothing of the text but such a name
 */
export function parseUniqueJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error('it is no JSON', { cause: error });
  }
  refuseRepeatedNames(text);
  return value;
}

/** `text` is JSON. A string in an object is a name where a colon follows. */
function refuseRepeatedNames(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  let lastString = '';
  for (const [word] of text.matchAll(token)) {
    switch (word) {
      case '{':
        open.push(new Set());
        break;
      case '[':
        open.push(undefined);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ':': {
        const names = open.at(-1);
        // Escapes can spell one name in several ways.
        const name = JSON.parse(lastString) as string;
        if (names?.has(name) === true)
          throw new Error(`it has the name ${JSON.stringify(name.slice(0, 60))} twice in one object`);
        names?.add(name);
        break;
      }
      case ',':
        break;
      default:
        lastString = word;
    }
  }
}
