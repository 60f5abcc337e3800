// SPDX-License-Identifier: Apache-2.0
// JSON where one reader must not see another thing than the next.
export { parseUniqueJson } from './unique-json.ts';
