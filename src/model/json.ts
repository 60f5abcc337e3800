// SPDX-License-Identifier: Apache-2.0

/** What a JSON text says, to be looked at before it is believed; undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
