// SPDX-License-Identifier: Apache-2.0
// A run of the program that writes the image, and what its failures mean.
import { SlipwayError, hasCode } from '../../model/index.ts';
import { appendProbe, syncFile } from '../../sys/file-chunks.ts';
import { removeIfPresent } from '../../sys/files.ts';
import { type ChildEnd, withChild, writeTo } from '../../sys/process.ts';
import { type SquashfsOrder, toolCommand } from './squashfs-tool.ts';

/**
 * Runs a tool that writes `order.outputPath` from the archive that `produce` writes.
 * @returns the image's length; it is on disk then. On any failure the file is removed.
 * @throws SlipwayError `disk-full`, `squashfs-tool-failed`; what `produce` throws; the signal's reason.
 */
export async function writeSquashfs(
  order: SquashfsOrder,
  signal: AbortSignal,
  produce: (write: (chunk: Buffer) => Promise<void>) => Promise<void>,
): Promise<number> {
  try {
    const { end } = await withChild({ ...toolCommand(order), signal }, async (child) => {
      const write = async (chunk: Buffer): Promise<void> => {
        try {
          await writeTo(child.stdin, chunk);
        } catch (error) {
          throw new ToolStopped('it stopped reading', { cause: error });
        }
      };
      try {
        await produce(write);
      } catch (error) {
        if (!(error instanceof ToolStopped)) throw error;
        // The broken pipe is only how one learns of it; the tool's last words are the reason.
        throw await failure(order, await child.ended);
      }
    });
    if (end.status !== 0) throw await failure(order, end);
    return await syncFile(order.outputPath);
  } catch (error) {
    await removeIfPresent(order.outputPath);
    throw error;
  }
}

class ToolStopped extends Error {}

/** More than the largest piece that a tool writes at once: where that failed for want of space, this does. */
const probeBytes = 2 * 1024 * 1024;

async function failure({ tool, outputPath }: SquashfsOrder, end: ChildEnd): Promise<unknown> {
  // tar2sqfs says no more than "I/O error" on a full disk: the file system itself has to be asked.
  try {
    await appendProbe(outputPath, probeBytes);
  } catch (error) {
    if (hasCode(error, 'disk-full')) return error;
  }
  const how = end.signalName === undefined ? `ended with status ${end.status}` : `was ended by ${end.signalName}`;
  const said = end.stderrTail === '' ? '' : `: ${end.stderrTail.split('\n').slice(-3).join('; ')}`;
  return new SlipwayError('squashfs-tool-failed', { path: outputPath, tool: tool.name, reason: `${how}${said}` });
}
