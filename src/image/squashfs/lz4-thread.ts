// SPDX-License-Identifier: Apache-2.0
// The thread in which blocks are compressed with lz4, of which Node has no encoder.
import { compressLz4Block } from '../../formats/squashfs/index.ts';
import { serveBytes } from '../../sys/byte-thread.ts';

serveBytes(compressLz4Block);
