/** Reads a zip as APPNOTE 6.3.3 has it: the central directory at the end says what there is. For bundles, which are small in names and flat. */
import { createWriteStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const MOST_COMMENT = 65_535;
const STORED = 0;
const DEFLATED = 8;
/** So that no name leads out of the directory that it is unpacked to. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/;

type Member = { readonly name: string; readonly method: number; readonly packed: number; readonly offset: number };

export const isZip = async (path: string): Promise<boolean> => {
  await using file = await open(path, "r");
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  return buffer.readUInt32LE() === LOCAL_SIGNATURE;
};

/** Throws an error that says what is wrong with the zip. */
export const unpack = async (path: string, into: string): Promise<void> => {
  await using file = await open(path, "r");
  for (const member of await membersOf(file)) await extract(file, member, join(into, member.name));
};

const membersOf = async (file: FileHandle): Promise<Member[]> => {
  const { size } = await file.stat();
  const tail = await read(file, Math.max(0, size - END_BYTES - MOST_COMMENT), Math.min(size, END_BYTES + MOST_COMMENT));
  const at = tail.lastIndexOf(Buffer.from("504b0506", "hex"));
  if (at < 0 || tail.length - at < END_BYTES || tail.readUInt32LE(at) !== END_SIGNATURE) throw new Error("the zip is cut off: it has no directory at its end");
  const directory = await read(file, tail.readUInt32LE(at + 16), tail.readUInt32LE(at + 12));
  const members: Member[] = [];
  for (let place = 0; place < directory.length;) {
    if (directory.length - place < 46 || directory.readUInt32LE(place) !== CENTRAL_SIGNATURE) throw new Error("the zip's directory is damaged");
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => directory.readUInt16LE(place + offset)) as [number, number, number];
    const name = directory.toString("utf8", place + 46, place + 46 + nameLength);
    if (!PLAIN_NAME.test(name)) throw new Error(`the zip holds ${JSON.stringify(name.slice(0, 80))}, which is no file of a bundle`);
    members.push({ name, method: directory.readUInt16LE(place + 10), packed: directory.readUInt32LE(place + 20), offset: directory.readUInt32LE(place + 42) });
    place += 46 + nameLength + extra + comment;
  }
  if (new Set(members.map(({ name }) => name)).size < members.length) throw new Error("the zip holds one name twice");
  return members;
};

const extract = async (file: FileHandle, { name, method, packed, offset }: Member, to: string): Promise<void> => {
  const head = await read(file, offset, 30);
  if (head.length < 30 || head.readUInt32LE() !== LOCAL_SIGNATURE) throw new Error(`the zip is damaged at ${name}`);
  if (method !== STORED && method !== DEFLATED) throw new Error(`${name} is packed in a way that is not read here: unpack the zip and verify the directory`);
  const start = offset + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
  const bytes = piecesOf(file, start, packed);
  const target = createWriteStream(to, { flags: "wx", mode: 0o600 });
  await (method === STORED ? pipeline(bytes, target) : pipeline(bytes, createInflateRaw(), target));
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

const read = async (file: FileHandle, position: number, length: number): Promise<Buffer> => {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
};
