/**
 * A segment's lines in Zstandard's seekable format: frames of 128 KiB of lines, each compressed separately, followed by
 * a skippable frame with all sizes, so that reading a line decompresses only its frame. `zstd -dc` reads such a file
 * too.
 * Format: facebook/zstd, contrib/seekable_format/zstd_seekable_compression_format.md.
 */
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { readAll, writeAll, type DiskFile } from "../disk.ts";

/**
 * With 64 KiB the file is 3 % larger; larger frames gain little, and a search decompresses one frame per line that it
 * shows.
 */
const FRAME_BYTES = 128 << 10;
/** A frame that claims to be larger was not written by the gateway. */
const MOST_FRAME_BYTES = 1 << 20;
/** Frames are written in groups of up to this size. */
const WRITE_BYTES = 1 << 20;

const SKIPPABLE = 0x184d2a5e;
const SEEKABLE = 0x8f92eab1;
const HEAD_BYTES = 8;
const ENTRY_BYTES = 8;
const FOOT_BYTES = 9;
const TAIL_BYTES = 8192;

/** Node's smallest `chunkSize`; a chunk as large as the frame gives its lines in one piece. */
const LEAST_CHUNK = 64;

/** Decompressed frames kept for each open file: a search reads several places at once. */
const MOST_RECENT = 4;

/** In Node's thread pool, so the event loop is not blocked. */
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** With a checksum in each frame, so that a flipped bit causes an error and never a different text. */
const PARAMS = { params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 } };

/** The file is not the compressed form of the lines. */
export class FramesDamaged extends Error {
  override readonly name = "FramesDamaged";
}

/** Calls `isStopped` before each frame; resolves with false when it returned true. */
export const writeFrames = async (
  from: Pick<DiskFile, "read">,
  to: DiskFile,
  isStopped: () => boolean,
): Promise<boolean> => {
  const sizes: number[] = [];
  let waiting: Buffer[] = [];
  let [bytes, written] = [0, 0];
  const put = async (frame: Buffer): Promise<void> => {
    waiting.push(frame);
    bytes += frame.length;
    if (bytes < WRITE_BYTES) return;
    await writeAll(to, Buffer.concat(waiting), written);
    [waiting, written, bytes] = [[], written + bytes, 0];
  };
  for (let position = 0; ; position += FRAME_BYTES) {
    if (isStopped()) return false;
    const piece = await readAll(from, position, FRAME_BYTES);
    if (piece.length === 0) break;
    const frame = await compress(piece, PARAMS);
    sizes.push(frame.length, piece.length);
    await put(frame);
  }
  waiting.push(tableOf(sizes));
  await writeAll(to, Buffer.concat(waiting), written);
  return true;
};

/** `sizes`: of each frame, compressed and uncompressed, in order. */
const tableOf = (sizes: readonly number[]): Buffer => {
  const length = sizes.length * 4 + FOOT_BYTES;
  const table = Buffer.alloc(HEAD_BYTES + length);
  table.writeUInt32LE(SKIPPABLE, 0);
  table.writeUInt32LE(length, 4);
  for (const [at, size] of sizes.entries()) table.writeUInt32LE(size, HEAD_BYTES + 4 * at);
  table.writeUInt32LE(sizes.length / 2, table.length - FOOT_BYTES);
  table.writeUInt32LE(SEEKABLE, table.length - 4);
  return table;
};

/** Frame `n` begins at [n], compressed and uncompressed; the last elements are the ends. */
type Table = { readonly packed: readonly number[]; readonly unpacked: readonly number[] };

const readTable = async (file: Pick<DiskFile, "read" | "size">, path: string): Promise<Table> => {
  const damaged = (): FramesDamaged =>
    new FramesDamaged(
      `${path}: the table at its end is damaged or missing: run ocsgw audit verify -c FILE for details`,
    );
  const size = await file.size();
  // Most tables are shorter, so that one read is enough.
  const tail = await readAll(file, Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES));
  const foot = tail.subarray(-FOOT_BYTES);
  if (foot.length < FOOT_BYTES || foot.readUInt32LE(FOOT_BYTES - 4) !== SEEKABLE || foot[4] !== 0) throw damaged();
  const length = HEAD_BYTES + foot.readUInt32LE(0) * ENTRY_BYTES + FOOT_BYTES;
  if (length > size) throw damaged();
  const bytes = length <= tail.length ? tail.subarray(-length) : await readAll(file, size - length, length);
  if (bytes.readUInt32LE(0) !== SKIPPABLE || bytes.readUInt32LE(4) !== length - HEAD_BYTES) throw damaged();
  const [packed, unpacked] = [[0], [0]];
  for (let at = HEAD_BYTES; at < length - FOOT_BYTES; at += ENTRY_BYTES) {
    packed.push(packed.at(-1)! + bytes.readUInt32LE(at));
    const lines = bytes.readUInt32LE(at + 4);
    if (lines === 0 || lines > MOST_FRAME_BYTES) throw damaged();
    unpacked.push(unpacked.at(-1)! + lines);
  }
  if (packed.at(-1) !== size - length) throw damaged();
  return { packed, unpacked };
};

/**
 * Reads the lines as if the file were uncompressed. Takes ownership of `file`; `path` is for messages. Throws
 * FramesDamaged.
 */
export const readFrames = async (file: DiskFile, path: string): Promise<Pick<DiskFile, "read" | "size" | "close">> => {
  let table: Table;
  try {
    table = await readTable(file, path);
  } catch (error) {
    await file.close();
    throw error;
  }
  const { packed, unpacked } = table;
  /** In order of their last use. */
  const recent = new Map<number, Promise<Buffer>>();
  const unpack = async (frame: number): Promise<Buffer> => {
    const bytes = await readAll(file, packed[frame]!, packed[frame + 1]! - packed[frame]!);
    const length = unpacked[frame + 1]! - unpacked[frame]!;
    const lines = await decompress(bytes, { maxOutputLength: length, chunkSize: Math.max(LEAST_CHUNK, length) }).catch(
      (error: unknown) => {
        throw new FramesDamaged(
          `${path}: the frame at byte ${packed[frame]} is damaged: run ocsgw audit verify -c FILE for details`,
          { cause: error },
        );
      },
    );
    if (lines.length !== length)
      throw new FramesDamaged(
        `${path}: the frame at byte ${packed[frame]} is damaged: run ocsgw audit verify -c FILE for details`,
      );
    return lines;
  };
  return {
    read: async (into, position) => {
      const frame = frameAt(unpacked, position);
      if (frame === undefined) return 0;
      const lines = recent.get(frame) ?? unpack(frame);
      recent.delete(frame);
      recent.set(frame, lines);
      if (recent.size > MOST_RECENT) recent.delete(recent.keys().next().value!);
      return (await lines).copy(into, 0, position - unpacked[frame]!);
    },
    size: () => Promise.resolve(unpacked.at(-1)!),
    close: () => file.close(),
  };
};

/** The frame that contains the position; undefined after the last one. */
const frameAt = (starts: readonly number[], position: number): number | undefined => {
  if (position >= starts.at(-1)!) return undefined;
  let [low, high] = [0, starts.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= position) low = middle;
    else high = middle;
  }
  return low;
};
