/** Hostile zips, made to deceive or to exhaust memory: each is refused within limits, without a crash. */
import { mkdir, readFile, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditVerify } from "../../../../src/cli/audit/output/verify-report.ts";
import { isZip, unpack } from "../../../../src/journal/verify/segments/unpack.ts";
import { ocsgw } from "../../../kit/command.ts";
import { aDirectory, removeDirectory } from "../../kit.ts";

let work: string;
beforeEach(async () => {
  work = await aDirectory();
});
afterEach(() => removeDirectory(work));

/** What stands in a head, where it is to differ from the truth. */
type Head = {
  readonly name?: string;
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  readonly packed?: number;
  readonly size?: number;
  readonly offset?: number;
};
type File = {
  readonly name: string;
  readonly content?: Buffer;
  readonly deflated?: true;
  readonly central?: Head;
  readonly local?: Head;
};
type End = {
  readonly count?: number;
  readonly here?: number;
  readonly disk?: number;
  readonly length?: number;
  readonly offset?: number;
  readonly comment?: Buffer;
};

const le = (bytes: number, value: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
};

const common = (head: Required<Head>): Buffer =>
  Buffer.concat([
    le(2, 20),
    le(2, head.flags),
    le(2, head.method),
    le(4, 0),
    le(4, head.crc),
    le(4, head.packed),
    le(4, head.size),
    le(2, Buffer.byteLength(head.name)),
    le(2, 0),
  ]);

const zip = (files: readonly File[], end: End = {}): Buffer => {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, content = Buffer.from("text"), deflated, central, local } of files) {
    const data = deflated ? deflateRawSync(content) : content;
    const truth: Required<Head> = {
      name,
      flags: 0,
      method: deflated ? 8 : 0,
      crc: crc32(content),
      packed: data.length,
      size: content.length,
      offset: at,
    };
    const listed = { ...truth, ...central };
    const part = Buffer.concat([
      le(4, 0x04034b50),
      common({ ...truth, ...local }),
      Buffer.from(local?.name ?? name),
      data,
    ]);
    parts.push(part);
    directory.push(
      Buffer.concat([
        le(4, 0x02014b50),
        le(2, 20),
        common(listed),
        le(2, 0),
        le(2, 0),
        le(2, 0),
        le(4, 0),
        le(4, listed.offset),
        Buffer.from(listed.name),
      ]),
    );
    at += part.length;
  }
  const listed = Buffer.concat(directory);
  const {
    count = files.length,
    here = count,
    disk = 0,
    length = listed.length,
    offset = at,
    comment = Buffer.alloc(0),
  } = end;
  return Buffer.concat([
    ...parts,
    listed,
    le(4, 0x06054b50),
    le(2, disk),
    le(2, disk),
    le(2, here),
    le(2, count),
    le(4, length),
    le(4, offset),
    le(2, comment.length),
    comment,
  ]);
};

const put = async (bytes: Buffer): Promise<string> => {
  const path = join(work, "b.zip");
  await writeFile(path, bytes);
  await mkdir(join(work, "out"), { recursive: true });
  return path;
};
const unpacked = async (bytes: Buffer): Promise<void> => unpack(await put(bytes), join(work, "out"));

describe("a zip", () => {
  it.each<[string, Buffer]>([
    [
      "stored and packed files",
      zip([{ name: "a" }, { name: "b", content: Buffer.from("bb".repeat(99)), deflated: true }]),
    ],
    [
      "a comment that contains the signature of an end record",
      zip([{ name: "a" }, { name: "b", content: Buffer.from("bb".repeat(99)) }], {
        comment: Buffer.from("PK\u0005\u0006 and so on, longer than an end record"),
      }),
    ],
    [
      "checksums after the data",
      zip([
        { name: "a", central: { flags: 8 }, local: { flags: 8, crc: 0, packed: 0, size: 0 } },
        { name: "b", content: Buffer.from("bb".repeat(99)) },
      ]),
    ],
  ])("with %s is unpacked", async (_what, bytes) => {
    await unpacked(bytes);
    expect((await readdir(join(work, "out"))).toSorted()).toEqual(["a", "b"]);
    expect(await readFile(join(work, "out/b"), "utf8")).toBe("bb".repeat(99));
  });

  const text = Buffer.from("text");
  const cases: [what: string, bytes: Buffer, message: RegExp][] = [
    [
      "claims a directory of 4 GB in 100 bytes",
      zip([{ name: "a" }], { length: 0xffff_fff0 }),
      /says that it holds 1 files in a directory of 4294967280 bytes/,
    ],
    [
      "claims 4 GB of one file in 100 bytes",
      zip([{ name: "a", deflated: true, central: { size: 0xffff_fff0 }, local: { size: 0xffff_fff0 } }]),
      /says that it unpacks to 4294967280/,
    ],
    [
      "claims 4 GB of stored bytes",
      zip([{ name: "a", central: { packed: 0xffff_fff0, size: 0xffff_fff0 } }]),
      /should have 4294967280 bytes in a zip of/,
    ],
    [
      "claims sizes for ZIP64",
      zip([{ name: "a", central: { packed: 0xffff_ffff, size: 0xffff_ffff } }]),
      /should have 4294967295 bytes/,
    ],
    ["claims 65,535 files", zip([{ name: "a" }], { count: 0xffff }), /says that it holds 65535 files/],
    [
      "says that it unpacks to 20 GB",
      zip(
        Array.from({ length: 5 }, (_, at) => ({
          name: `f${at}`,
          content: Buffer.alloc(4096),
          deflated: true,
          central: { size: 4 * 2 ** 30 - 1 },
          local: { size: 4 * 2 ** 30 - 1 },
        })),
      ),
      /says that it unpacks to 21474836475/,
    ],
    [
      "unpacks to more than it says",
      zip([
        { name: "a", content: Buffer.alloc(50 << 20), deflated: true, central: { size: 1000 }, local: { size: 1000 } },
      ]),
      /unpacks to more than the 1000 bytes/,
    ],
    [
      "unpacks to less than it says",
      zip([{ name: "a", content: text, deflated: true, central: { size: 5 }, local: { size: 5 } }]),
      /content does not match its checksum/,
    ],
    [
      "has another sum",
      zip([{ name: "a", central: { crc: 1 }, local: { crc: 1 } }]),
      /content does not match its checksum/,
    ],
    [
      "has a stored file of two sizes",
      zip([{ name: "a", central: { size: 9 }, local: { size: 9 } }]),
      /is stored as it is, with 4 bytes for 9/,
    ],
    ["has a broken stream", zip([{ name: "a", content: text, central: { method: 8 }, local: { method: 8 } }]), /./],
    [
      "has a file that begins within another",
      zip([
        { name: "a", content: Buffer.alloc(100) },
        { name: "b", central: { offset: 10 } },
      ]),
      /overlaps the file before it/,
    ],
    [
      "has two files that are one",
      zip([{ name: "a" }, { name: "b", central: { offset: 0 } }]),
      /overlaps the file before it|contradict each other about/,
    ],
    [
      "has a file that reaches into the directory",
      zip([
        { name: "a", content: Buffer.alloc(9), central: { packed: 40, size: 40 }, local: { packed: 40, size: 40 } },
      ]),
      /overlaps the zip's directory/,
    ],
    ["has a file behind its end", zip([{ name: "a", central: { offset: 5000 } }]), /damaged at a/],
    ["says two names of one file", zip([{ name: "a", local: { name: "b" } }]), /contradict each other about a/],
    [
      "says two sizes of one file",
      zip([{ name: "a", content: Buffer.alloc(9), local: { size: 3, packed: 3 } }]),
      /contradict each other about a/,
    ],
    ["has one name twice", zip([{ name: "a" }, { name: "a" }]), /contains a name twice/],
    [
      "has one name in two spellings",
      zip([{ name: "events.ndjson" }, { name: "Events.ndjson" }]),
      /contains a name twice/,
    ],
    ...["../a", "/etc/a", "a/b", "..", ".", "", "C:\\a", "a\u0000b", "..\\a", "-rf", "ä", "a\u001b[2K"].map(
      (name): [string, Buffer, RegExp] => [
        `has the name ${JSON.stringify(name)}`,
        zip([{ name }]),
        /which is not a file of a bundle/,
      ],
    ),
    ["is encrypted", zip([{ name: "a", central: { flags: 1 } }]), /is encrypted/],
    ["is packed in another way", zip([{ name: "a", central: { method: 12 } }]), /unsupported compression method/],
    ["is a part of several", zip([{ name: "a" }], { disk: 1 }), /one part of several/],
    ["counts other files than it lists", zip([{ name: "a" }], { count: 2, here: 2 }), /holds 2 files and lists 1/],
    [
      "has something before it",
      Buffer.concat([Buffer.from("PK\u0003\u0004 more"), zip([{ name: "a" }])]),
      /has something before it/,
    ],
    ["has more behind it", Buffer.concat([zip([{ name: "a" }]), Buffer.from("more")]), /no directory at its end/],
    ["is empty of everything", Buffer.from("PK\u0003\u0004"), /no directory at its end/],
  ];

  it.each(cases)("that %s is refused", async (_what, bytes, message) => {
    await expect(unpacked(bytes)).rejects.toThrow(message);
    const sizes = await Promise.all(
      (await readdir(join(work, "out"))).map(async (name) => (await stat(join(work, "out", name))).size),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1 << 20);
  });

  it("that is cut off anywhere is refused", async () => {
    const whole = zip([{ name: "a", content: Buffer.from("abc".repeat(50)), deflated: true }, { name: "b" }]);
    const path = await put(whole);
    for (let kept = 0; kept < whole.length; kept++) {
      await truncate(path, 0);
      await writeFile(path, whole.subarray(0, kept));
      await expect(unpack(path, join(work, "out")), `${kept} bytes`).rejects.toThrow(/cut off|damaged/);
    }
  });

  it("with any one byte changed is refused, or unpacks to the same content", async () => {
    const whole = zip([{ name: "a", content: Buffer.from("abc".repeat(20)), deflated: true }, { name: "b" }]);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 0x41;
      const path = await put(changed);
      const out = join(work, `out${at}`);
      await mkdir(out);
      const names = await unpack(path, out).then(
        () => readdir(out),
        () => undefined,
      );
      if (names)
        for (const name of names)
          expect(["abc".repeat(20), "text"], `byte ${at}`).toContain(await readFile(join(out, name), "utf8"));
    }
  });
});

describe("audit verify of an invalid zip", () => {
  it("exits with 8 and the reason, in a small heap", async () => {
    for (const bytes of [
      zip([{ name: "a" }], { length: 0xffff_fff0 }),
      zip([{ name: "a", content: Buffer.alloc(60 << 20), deflated: true }]),
      zip([]),
    ]) {
      const path = await put(bytes);
      expect(await isZip(path)).toBe(true);
      const ran = await ocsgw(
        "audit",
        "verify",
        path,
        "--key",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
      );
      expect([ran.code, ran.stdout]).toEqual([8, expect.stringMatching(/^CANNOT TELL|\nCANNOT TELL/)]);
    }
  }, 60_000);

  it("never moves the terminal's cursor", async () => {
    const path = join(work, "\u001b[2Kx\u202e");
    await writeFile(path, "no bundle");
    const written: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = ((text: string) => written.push(text) > 0) as typeof process.stdout.write;
    const code = await auditVerify(path, {}).finally(() => {
      process.stdout.write = write;
    });
    expect([code, written.join("")]).toEqual([8, expect.stringContaining("\\u{1b}[2Kx\\u{202e} is not a journal")]);
  });
});
