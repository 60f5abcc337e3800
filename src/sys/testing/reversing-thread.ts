// SPDX-License-Identifier: Apache-2.0
import { serveBytes } from '../byte-thread.ts';

serveBytes((bytes) => {
  if (bytes.length === 0) throw new Error('there is nothing to reverse');
  return bytes.toReversed();
});
