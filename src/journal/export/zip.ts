/** Writes files into a zip without compression (APPNOTE 6.3.3), so that a bundle is one file that any tool opens. */
import { createReadStream } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
/** UTF-8 names. */
const FLAGS = 0x0800;
/** A larger one would need ZIP64, which not every program reads. */
export const MOST_ZIP_BYTES = 0xffff_ffff;
/** 1 January 1980, the first date of the format. The entries have the real times. */
const DATE = 0x21;
const REGULAR_FILE = 0o100600 * 0x10000;

type Member = { readonly name: string; readonly size: number; readonly crc: number; readonly offset: number };

export class ZipTooLarge extends Error {
  override readonly name = "ZipTooLarge";
  constructor() {
    super(
      "the bundle would be larger than 4 GiB, which a zip cannot contain: export shorter times; or, on the gateway's " +
        "machine, give ocsgw audit export a name for --out that does not end with .zip, and the bundle is a directory",
    );
  }
}

/** Throws ZipTooLarge. */
export const writeZip = async (path: string, dir: string, names: readonly string[]): Promise<void> => {
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).size));
  if (sizes.reduce((sum, size) => sum + size + 1024, 0) > MOST_ZIP_BYTES) throw new ZipTooLarge();
  await using file = await open(path, "wx", 0o600);
  const members: Member[] = [];
  let offset = 0;
  for (const [place, name] of names.entries()) {
    const member = { name, size: sizes[place]!, crc: await crcOf(join(dir, name)), offset };
    members.push(member);
    offset += await append(file, local(member));
    for await (const chunk of createReadStream(join(dir, name))) offset += await append(file, chunk as Buffer);
  }
  const directory = Buffer.concat(members.map(central));
  await append(file, directory);
  await append(file, end(members.length, directory.length, offset));
  await file.sync();
};

const crcOf = async (path: string): Promise<number> => {
  let crc = 0;
  for await (const chunk of createReadStream(path)) crc = crc32(chunk as Buffer, crc);
  return crc;
};

const append = async (file: FileHandle, bytes: Buffer): Promise<number> => {
  await file.appendFile(bytes);
  return bytes.length;
};

const common = ({ name, size, crc }: Member): Buffer => {
  const bytes = Buffer.alloc(26);
  bytes.writeUInt16LE(VERSION, 0);
  bytes.writeUInt16LE(FLAGS, 2);
  bytes.writeUInt16LE(DATE, 8);
  bytes.writeUInt32LE(crc, 10);
  bytes.writeUInt32LE(size, 14);
  bytes.writeUInt32LE(size, 18);
  bytes.writeUInt16LE(Buffer.byteLength(name), 22);
  return bytes;
};

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const local = (member: Member): Buffer => Buffer.concat([uint32(LOCAL), common(member), Buffer.from(member.name)]);

const central = (member: Member): Buffer => {
  const bytes = Buffer.alloc(14);
  bytes.writeUInt32LE(REGULAR_FILE, 6);
  bytes.writeUInt32LE(member.offset, 10);
  // Made by version 2.0 on Unix, so that unzip programs read the permissions above.
  return Buffer.concat([uint32(CENTRAL), Buffer.of(VERSION, 3), common(member), bytes, Buffer.from(member.name)]);
};

const end = (count: number, length: number, offset: number): Buffer => {
  const bytes = Buffer.alloc(22);
  bytes.writeUInt32LE(END, 0);
  bytes.writeUInt16LE(count, 8);
  bytes.writeUInt16LE(count, 10);
  bytes.writeUInt32LE(length, 12);
  bytes.writeUInt32LE(offset, 16);
  return bytes;
};
