/**
 * Unpacks a bundle's zip (APPNOTE 6.3.3): flat, few members, no encryption, no ZIP64. The zip is untrusted: every
 * number is checked against the file before it is used, and values that occur twice must agree.
 */
import { createWriteStream } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";

const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const MOST_COMMENT = 65_535;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 0x0001;
/** Sizes and checksum follow the data, and are 0 before it. */
const SUMMED_BEHIND = 0x0008;
/** A bundle has nine files. */
const MOST_MEMBERS = 64;
const MOST_DIRECTORY_BYTES = 64 << 10;
/** Entries compress to about a tenth; a member that expands more than this does not belong to a bundle. */
const MOST_GROWTH = 32;
const ALWAYS_BYTES = 16 << 20;
const MOST_BYTES = 4 * 2 ** 30;
/** No name may lead out of the target directory. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/;

type Member = {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
};

export const isZip = async (path: string): Promise<boolean> => {
  await using file = await open(path, "r");
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  return [LOCAL_SIGNATURE, END_SIGNATURE].includes(buffer.readUInt32LE());
};

/** Throws an error that says what is wrong with the zip. The caller removes what was written until then. */
export const unpack = async (path: string, into: string): Promise<void> => {
  if (!(await stat(path)).isFile()) throw new Error(`${path} is not a regular file`);
  await using file = await open(path, "r");
  const { members, end } = await membersOf(file);
  requireBounds(members, (await file.stat()).size);
  for (const [member, start] of await startsOf(file, members, end))
    await extract(file, { member, start }, join(into, member.name));
};

/** `end`: where the central directory begins and the members end. */
type Directory = { readonly members: readonly Member[]; readonly end: number };

const membersOf = async (file: FileHandle): Promise<Directory> => {
  const { bytes, count, end } = await directoryOf(file);
  const members: Member[] = [];
  let place = 0;
  while (place < bytes.length) {
    if (bytes.length - place < CENTRAL_BYTES || bytes.readUInt32LE(place) !== CENTRAL_SIGNATURE)
      throw new Error("the zip's directory is damaged");
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(place + offset)) as [
      number,
      number,
      number,
    ];
    const [crc, packed, size] = [16, 20, 24].map((offset) => bytes.readUInt32LE(place + offset)) as [
      number,
      number,
      number,
    ];
    const name = bytes.toString("utf8", place + CENTRAL_BYTES, place + CENTRAL_BYTES + nameLength);
    if (!PLAIN_NAME.test(name))
      throw new Error(`the zip holds ${JSON.stringify(name.slice(0, 80))}, which is not a file of a bundle`);
    members.push({
      name,
      flags: bytes.readUInt16LE(place + 8),
      method: bytes.readUInt16LE(place + 10),
      crc,
      packed,
      size,
      offset: bytes.readUInt32LE(place + 42),
    });
    place += CENTRAL_BYTES + nameLength + extra + comment;
    if (place > bytes.length) throw new Error("the zip's directory is damaged");
  }
  if (members.length !== count)
    throw new Error(`the zip says that it holds ${count} files and lists ${members.length}`);
  // On some systems two spellings name one file.
  if (new Set(members.map(({ name }) => name.toLowerCase())).size < members.length)
    throw new Error("the zip contains a name twice");
  return { members, end };
};

const directoryOf = async (
  file: FileHandle,
): Promise<{ readonly bytes: Buffer; readonly count: number; readonly end: number }> => {
  const { size } = await file.stat();
  const tailAt = Math.max(0, size - END_BYTES - MOST_COMMENT);
  const tail = await read(file, tailAt, size - tailAt);
  const at = endRecordIn(tail);
  if (at < 0) throw new Error("the zip is cut off: it has no directory at its end");
  const [disk, firstDisk, here, count] = [4, 6, 8, 10].map((offset) => tail.readUInt16LE(at + offset)) as [
    number,
    number,
    number,
    number,
  ];
  const [length, end] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
  if (disk !== 0 || firstDisk !== 0 || here !== count)
    throw new Error("the zip is one part of several: join them first");
  if (count > MOST_MEMBERS || length > MOST_DIRECTORY_BYTES)
    throw new Error(
      `the zip says that it holds ${count} files in a directory of ${length} bytes: a bundle has at most ` +
        `${MOST_MEMBERS}`,
    );
  if (end + length !== tailAt + at)
    throw new Error(
      `the zip's directory should have ${length} bytes from ${end} on, and does not end where it should: the ` +
        "zip is cut off or has something before it",
    );
  return { bytes: await read(file, end, length), count, end };
};

/** The end record whose comment ends with the file: a comment may contain the signature too. */
const endRecordIn = (tail: Buffer): number => {
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) === END_SIGNATURE && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length)
      return at;
  }
  return -1;
};

const requireBounds = (members: readonly Member[], fileSize: number): void => {
  for (const { name, flags, method, packed, size } of members) {
    if ((flags & ENCRYPTED) !== 0) throw new Error(`${name} is encrypted: unpack the zip and verify the directory`);
    if (method !== STORED && method !== DEFLATED)
      throw new Error(`${name} uses an unsupported compression method: unpack the zip and verify the directory`);
    if (packed > fileSize) throw new Error(`${name} should have ${packed} bytes in a zip of ${fileSize}`);
    if (method === STORED && packed !== size)
      throw new Error(`${name} is stored as it is, with ${packed} bytes for ${size}`);
  }
  const most = Math.min(MOST_BYTES, Math.max(ALWAYS_BYTES, MOST_GROWTH * fileSize));
  const total = members.reduce((sum, { size }) => sum + size, 0);
  if (total > most)
    throw new Error(
      `the zip of ${fileSize} bytes says that it unpacks to ${total}; at most ${most} are unpacked here: unpack ` +
        "it yourself and verify the directory",
    );
};

/**
 * Where each member's data begins. Throws when two members overlap, or a member's local header contradicts the
 * directory.
 */
const startsOf = async (file: FileHandle, members: readonly Member[], end: number): Promise<[Member, number][]> => {
  const starts: [Member, number][] = [];
  let free = 0;
  for (const member of members.toSorted((one, other) => one.offset - other.offset)) {
    const { name, offset, packed } = member;
    if (offset < free) throw new Error(`${name} overlaps the file before it: the zip was manipulated or damaged`);
    const head = await read(file, offset, LOCAL_BYTES);
    if (head.length < LOCAL_BYTES || head.readUInt32LE() !== LOCAL_SIGNATURE)
      throw new Error(`the zip is damaged at ${name}`);
    const start = offset + LOCAL_BYTES + head.readUInt16LE(26) + head.readUInt16LE(28);
    requireSame(member, head, (await read(file, offset + LOCAL_BYTES, head.readUInt16LE(26))).toString("utf8"));
    free = start + packed;
    if (free > end) throw new Error(`${name} overlaps the zip's directory: the zip is damaged`);
    starts.push([member, start]);
  }
  return starts;
};

const requireSame = ({ name, flags, method, crc, packed, size }: Member, head: Buffer, localName: string): void => {
  const isBehind = (flags & SUMMED_BEHIND) !== 0;
  const own = [head.readUInt16LE(8), head.readUInt32LE(14), head.readUInt32LE(18), head.readUInt32LE(22)];
  const listed = [method, ...(isBehind && own[1] === 0 ? [0, 0, 0] : [crc, packed, size])];
  if (localName !== name || own.some((value, at) => value !== listed[at]))
    throw new Error(`the zip's directory and the file's own header contradict each other about ${name}`);
};

type Placed = { readonly member: Member; readonly start: number };

const extract = async (
  file: FileHandle,
  { member: { name, method, packed, size, crc }, start }: Placed,
  to: string,
): Promise<void> => {
  let [written, sum] = [0, 0];
  const counted = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      written += piece.length;
      if (written > size) throw new Error(`${name} unpacks to more than the ${size} bytes that the zip says`);
      sum = crc32(piece, sum);
      yield piece;
    }
    if (written < size || sum !== crc)
      throw new Error(`the zip is damaged at ${name}: its content does not match its checksum`);
  };
  const bytes = piecesOf(file, start, packed);
  const target = createWriteStream(to, { flags: "wx", mode: 0o600 });
  await (method === STORED ? pipeline(bytes, counted, target) : pipeline(bytes, createInflateRaw(), counted, target));
};

const PIECE = 1 << 20;

const piecesOf = async function* (file: FileHandle, start: number, length: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < length;) {
    const piece = await read(file, start + done, Math.min(PIECE, length - done));
    if (piece.length === 0) throw new Error("the zip is cut off");
    done += piece.length;
    yield piece;
  }
};

/** `length` is small: callers read a piece, a directory or a name. */
const read = async (file: FileHandle, position: number, length: number): Promise<Buffer> => {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
};
