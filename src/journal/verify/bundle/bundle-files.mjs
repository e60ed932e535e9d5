/** The files of a bundle, read with limits: a bundle can come from anybody. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, lstatSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";

export const FILES = {
  events: "events.ndjson",
  proofs: "proofs.ndjson",
  checkpoint: "checkpoints.txt",
  keys: "keys.json",
  query: "query.json",
  manifest: "manifest.sha256",
};

/** Largest size of a file that is not in LARGE. */
const MOST_SMALL_BYTES = 1 << 20;
const LARGE = new Set(["events.ndjson", "proofs.ndjson", "summary.html"]);
/** No line of a journal is longer: 64 MiB. */
const LONGEST_LINE = 64 << 20;
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/;

/** The lines without their line feeds. Throws if a line is longer than LONGEST_LINE. */
export const linesOf = async function* (path) {
  let pieces = [];
  let length = 0;
  for await (const chunk of createReadStream(path)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...pieces, chunk.subarray(start, end)]);
      pieces = [];
      length = 0;
      start = end + 1;
    }
    pieces.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > LONGEST_LINE)
      throw new Error(
        `${basename(path)} has a line of more than ${LONGEST_LINE} bytes, longer than any line of a journal`,
      );
  }
  if (length > 0) yield Buffer.concat(pieces);
};

/** False for a link, pipe or directory. */
export const isFile = (path) => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** Throws unless it is a small regular file. */
export const readSmall = (dir, name) => {
  const found = lstatSync(join(dir, name));
  if (!found.isFile() || found.size > MOST_SMALL_BYTES)
    throw new Error(`${name} is not a regular file of at most ${MOST_SMALL_BYTES} bytes`);
  return readFileSync(join(dir, name), "utf8");
};

const fileHash = async (path) => {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
};

const NOT_EMPTY = ", or the bundle was not unpacked into an empty folder";

/** Endings of what a bundle has, and of what people read and run. */
const PART_LIKE = new Set(
  (
    "ndjson json jsonl txt md htm html js cjs mjs sha256 tsr csv xml pdf rtf doc docx xls xlsx odt ods png jpg jpeg " +
    "gif svg exe com msi bat cmd ps1 sh py"
  ).split(" "),
);

/** As the ZIP itself, a key, or what a system adds to folders: nobody takes it for a part of the bundle. */
const isForeign = (name) => {
  const [, ending] = /\.(\w+)$/.exec(name) ?? [];
  return ending !== undefined && !PART_LIKE.has(ending.toLowerCase());
};

/**
 * The manifest is not signed, so it shows damage, not manipulation. `ignored`: called with each name beside the bundle
 * that cannot be mistaken for a part of it; undefined: every further file is a finding.
 */
export const checkManifest = async (dir, finding, ignored) => {
  const listed = new Set([FILES.manifest]);
  for (const line of readSmall(dir, FILES.manifest).split(/\r?\n/).filter(Boolean)) {
    const [, hash, name = ""] = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line) ?? [];
    listed.add(name);
    if (hash === undefined || !PLAIN_NAME.test(name))
      finding(`manifest.sha256 has an invalid line: ${line.slice(0, 80)}`);
    else if (!existsSync(join(dir, name))) finding(`${name} is missing`);
    else if (!isFile(join(dir, name))) finding(`${name} is not a regular file`);
    else if (!LARGE.has(name) && lstatSync(join(dir, name)).size > MOST_SMALL_BYTES)
      finding(`${name} is larger than any such file that the gateway writes`);
    else if ((await fileHash(join(dir, name))) !== hash)
      finding(`${name} is not as it was exported: its SHA-256 differs from the manifest's`);
  }
  for (const name of readdirSync(dir).filter((each) => !listed.has(each)))
    if (ignored && isForeign(name)) ignored(name);
    else finding(`${name} is not part of the bundle: somebody added it${ignored ? NOT_EMPTY : ""}`);
};

export const parse = (bytes) => {
  try {
    return bytes === undefined ? undefined : JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
};
