/**
 * Verifies a bundle of journal entries: offline, with nothing but Node (20 or later), without the program that wrote it.
 *
 *     node verify.mjs --key <verifier key, or a file with it> [--witness <key, or file>]… [--require-witnesses] [--quorum N] [--timestamp-ca <file>]
 *
 * The key must come from somewhere else than the bundle: whoever made the bundle can have made the key in it. Exit code 0: unchanged.
 * 7: broken. 8: cannot tell, as without a key. What each file holds stands in README.txt; the formats are RFC 6962 (the tree) and
 * C2SP signed notes (the checkpoint), so any other program can do the same.
 */
import { createHash, createPublicKey, verify } from "node:crypto";
import { createReadStream, existsSync, lstatSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkOutside, cosignedEntries, NO_OUTSIDE, outsideRows, unseen } from "./bundle-outside.mjs";

const MOST_FINDINGS = 100;
const FILES = {
  events: "events.ndjson",
  proofs: "proofs.ndjson",
  checkpoint: "checkpoints.txt",
  keys: "keys.json",
  query: "query.json",
  manifest: "manifest.sha256",
};

/** Of everything but events, proofs and summary. */
const MOST_SMALL_BYTES = 1 << 20;
const LARGE = new Set(["events.ndjson", "proofs.ndjson", "summary.html"]);
/** No line of a journal is longer. */
const LONGEST_LINE = 64 << 20;
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/;

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

/** RFC 6962, 2.1: a line without its line feed is a leaf. */
const leafHash = (line) => sha256(Buffer.of(0), line);
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

/** RFC 9162, 2.1.3.2. Undefined when the path does not fit the tree. */
const rootFrom = (leaf, index, size, path) => {
  if (!(index >= 0 && index < size)) return undefined;
  let [node, last, hash] = [BigInt(index), BigInt(size - 1), leaf];
  for (const sibling of path) {
    if (last === 0n) return undefined;
    if (node % 2n === 1n || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2n === 0n && node !== 0n) [node, last] = [node / 2n, last / 2n];
    } else hash = nodeHash(hash, sibling);
    [node, last] = [node / 2n, last / 2n];
  }
  return last === 0n ? hash : undefined;
};

/** `name+8 hex digits+base64 of 0x01 and an Ed25519 key`. Throws when it is none. */
const readKey = (text) => {
  const [name, id, ...rest] = text.trim().split("+");
  const typed = Buffer.from(rest.join("+"), "base64");
  if (!name || typed.length !== 33 || typed[0] !== 1)
    throw new Error("expected a verifier key: name+8 hex digits+base64 of an Ed25519 key");
  if (sha256(`${name}\n`, typed).toString("hex").slice(0, 8) !== id)
    throw new Error(`the verifier key of ${name} does not have the id ${id}`);
  return {
    name,
    id,
    key: createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: typed.subarray(1).toString("base64url") },
      format: "jwk",
    }),
  };
};

/** The checkpoint, and by whom it is signed; a text when it is none or its signature is false. */
const readCheckpoint = (note, keys, file = FILES.checkpoint) => {
  const split = note.lastIndexOf("\n\n");
  const [origin, size, root] = note.slice(0, split).split("\n");
  const text = note.slice(0, split + 1);
  const hash = Buffer.from(root ?? "", "base64");
  if (split < 0 || !/^[1-9]\d{0,14}$/.test(size ?? "") || hash.length !== 32) return `${file} holds no checkpoint`;
  const signatures = note
    .slice(split + 2)
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" "));
  let by;
  for (const [, name, encoded = ""] of signatures) {
    const bytes = Buffer.from(encoded, "base64");
    const key = keys.find((each) => each.name === name && each.id === bytes.subarray(0, 4).toString("hex"));
    if (key && !verify(null, Buffer.from(text), key.key, bytes.subarray(4)))
      return `the signature of the checkpoint in ${file} is not that of ${key.name}+${key.id}: it was changed after signing`;
    by ??= key;
  }
  if (by && by.name !== origin) return `the checkpoint is that of ${origin} and signed by the key of ${by.name}`;
  return { origin, size: Number(size), root: hash, by, names: signatures.map(([, name]) => name) };
};

/** The lines without their line feeds. Throws at one that is longer than any line of a journal. */
const linesOf = async function* (path) {
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
      throw new Error(`${basename(path)} has a line of more than ${LONGEST_LINE} bytes, which no journal has`);
  }
  if (length > 0) yield Buffer.concat(pieces);
};

/** A file, and no link, pipe or directory in its place. */
const isFile = (path) => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** Throws when it is no small file. */
const readSmall = (dir, name) => {
  const found = lstatSync(join(dir, name));
  if (!found.isFile() || found.size > MOST_SMALL_BYTES)
    throw new Error(`${name} is no file of at most ${MOST_SMALL_BYTES} bytes`);
  return readFileSync(join(dir, name), "utf8");
};

const fileHash = async (path) => {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
};

/** The manifest only tells damage from change: it is not signed. */
const checkManifest = async (dir, finding) => {
  const listed = new Set([FILES.manifest]);
  for (const line of readSmall(dir, FILES.manifest).split(/\r?\n/).filter(Boolean)) {
    const [, hash, name = ""] = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line) ?? [];
    listed.add(name);
    if (hash === undefined || !PLAIN_NAME.test(name))
      finding(`manifest.sha256 has a line that is none: ${line.slice(0, 80)}`);
    else if (!existsSync(join(dir, name))) finding(`${name} is missing`);
    else if (!isFile(join(dir, name))) finding(`${name} is no regular file`);
    else if (!LARGE.has(name) && lstatSync(join(dir, name)).size > MOST_SMALL_BYTES)
      finding(`${name} is larger than the gateway writes it`);
    else if ((await fileHash(join(dir, name))) !== hash)
      finding(`${name} is not as it was exported: its SHA-256 differs from the manifest's`);
  }
  for (const name of readdirSync(dir))
    if (!listed.has(name)) finding(`${name} is no part of the bundle: it was put there`);
};

const tenantOf = ({ dbid, upstream }) => `tenant ${dbid}${upstream === undefined ? "" : ` of ${upstream}`}`;

/** Of a tree of 2^53 leaves; longer ones are cut to one that leads nowhere. */
const LONGEST_PATH = 64;

/** What the entries say of themselves, gathered while they pass. */
class Gathered {
  events = 0;
  proved = 0;
  seen = new Set();
  open = new Map();
  /** By sequence: the numbers of its Do-Not-Calls. A sequence is a tenant's of one OCS, `<upstream>/<DBID>`; of format 1 it is the DBID's. */
  numbers = new Map();
  /** By sequence, what the gateway itself said, in an entry of the bundle, that the last number was. */
  said = undefined;
  /** By sequence, the last number among entries that were deleted when their time was over. */
  retired = {};
  /** Entries of the journal that enough witnesses cosigned, and how many here lie behind them, from which index on. */
  cosigned = 0;
  behind = { count: 0, first: Number.POSITIVE_INFINITY };

  /** Of entries that are proved. */
  take(entry) {
    // The record of the export itself is always younger than what witnesses have seen.
    if (entry.index >= this.cosigned && !(entry.kind === "access" && entry.operation === "export"))
      this.behind = { count: this.behind.count + 1, first: Math.min(this.behind.first, entry.index) };
    if (entry.kind === "intent") this.open.set(entry.id, entry.index);
    else if (typeof entry.id === "string") this.open.delete(entry.id);
    if (Number.isSafeInteger(entry.dnc) && entry.tenant)
      this.number(entry.dnc_sequence ?? String(entry.tenant.dbid), entry.dnc);
    if (entry.kind === "access" && entry.operation === "export" && entry.dnc)
      this.said = { index: entry.index, last: entry.dnc };
    if (["deleted", "retired"].includes(entry.kind) && entry.dnc) this.retired = entry.dnc;
  }

  number(sequence, number) {
    const numbers = this.numbers.get(sequence);
    if (numbers) numbers.push(number);
    else this.numbers.set(sequence, [number]);
  }

  sequences(finding) {
    return [...this.numbers].map(([sequence, numbers]) => {
      const [dbid, upstream] = sequence.split("/").reverse();
      const sorted = numbers.sort((one, other) => one - other);
      for (const [at, number] of sorted.entries())
        if (at > 0 && number === sorted[at - 1])
          finding(`Do-Not-Call ${number} of ${tenantOf({ dbid, upstream })} is there twice`);
      const [first, last] = [sorted[0], sorted.at(-1)];
      const missing = last - first + 1 - new Set(sorted).size;
      const said = this.said?.last[sequence];
      const complete = missing === 0 && said === last && (first === 1 || first === (this.retired[sequence] ?? 0) + 1);
      return { dbid: Number(dbid), upstream, first, last, missing, said, complete };
    });
  }
}

const checkEvents = async (dir, { size, root }, { finding, cosigned }) => {
  const gathered = Object.assign(new Gathered(), { cosigned });
  const proofs = linesOf(join(dir, FILES.proofs));
  for await (const line of linesOf(join(dir, FILES.events))) {
    const where = `line ${++gathered.events} of ${FILES.events}`;
    const proof = parse((await proofs.next()).value);
    const entry = parse(line);
    if (!entry || !Number.isSafeInteger(entry.index)) {
      finding(`${where} is no entry`);
      continue;
    }
    if (gathered.seen.has(entry.index)) finding(`${where}: index ${entry.index} is there twice`);
    else if (entry.index < size) gathered.seen.add(entry.index);
    const path = Array.isArray(proof?.path)
      ? proof.path.slice(0, LONGEST_PATH).map((each) => Buffer.from(String(each), "hex"))
      : [];
    if (proof?.index !== entry.index || !rootFrom(leafHash(line), entry.index, size, path)?.equals(root)) {
      finding(
        `${where} (index ${entry.index}) does not lead to the root of checkpoint ${size}: it or its proof was changed`,
      );
      continue;
    }
    gathered.proved++;
    gathered.take(entry);
  }
  if (!(await proofs.next()).done)
    finding(`${FILES.proofs} has more lines than ${FILES.events}: an entry was taken out`);
  return gathered;
};

const parse = (bytes) => {
  try {
    return bytes === undefined ? undefined : JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
};

const keysIn = (dir) => {
  const keys = parse(readSmall(dir, FILES.keys))?.keys;
  if (!Array.isArray(keys) || keys.some((each) => typeof each !== "string"))
    throw new Error(`${FILES.keys} holds no list of keys`);
  return keys.map(readKey);
};

const OWN_KEY =
  "the only key is the one that came with the bundle, and whoever made the bundle can have made it: give the gateway's with --key";

/** `key`: verifier keys, one to a line; without it the bundle's own. `given`: keys of witnesses and of a time stamping authority. */
export const verifyBundle = async (dir, key, given = {}) => {
  const findings = [];
  let more = 0;
  const finding = (text) => (findings.length < MOST_FINDINGS ? findings.push(text) : more++);
  const missing = Object.values(FILES)
    .filter((name) => !isFile(join(dir, name)))
    .map((name) => `there is no ${name}`);
  const report = {
    verdict: "cannot-tell",
    bundle: dir,
    events: 0,
    proved: 0,
    checkpoint: undefined,
    signed: undefined,
    keys: key === undefined ? "bundle" : "given",
    sequences: [],
    said: undefined,
    inDoubt: 0,
    findings,
    more: 0,
    missing,
    notProved: [],
    outside: NO_OUTSIDE,
  };
  if (missing.length > 0) return report;
  try {
    const keys =
      key === undefined
        ? keysIn(dir)
        : key
            .split(/\r?\n/)
            .filter((line) => line.trim() !== "")
            .map(readKey);
    if (keys.length === 0) missing.push("there is no key, neither given nor in the bundle");
    else if (key === undefined) missing.push(OWN_KEY);
    const checkpoint = readCheckpoint(readSmall(dir, FILES.checkpoint), keys);
    if (typeof checkpoint === "string") finding(checkpoint);
    else {
      if (!checkpoint.by && keys.length > 0)
        missing.push(
          `the checkpoint is signed by ${checkpoint.names.join(", ")}, and not by ${keys.map(({ name, id }) => `${name}+${id}`).join(", ") || "a key that is known"}`,
        );
      report.outside = checkOutside(dir, {
        own: key === undefined ? [] : keys,
        checkpoint,
        finding,
        given,
        missing: (text) => missing.push(text),
        read: (name) => readSmall(dir, name),
        readCheckpoint: (note, file) => readCheckpoint(note, keys, file),
      });
      const cosigned = cosignedEntries(report.outside, given);
      const gathered = await checkEvents(dir, checkpoint, { finding, cosigned });
      if (given.requireWitnesses && cosigned > 0 && gathered.behind.count > 0)
        missing.push(unseen(gathered.behind, cosigned));
      // An export has at least the entry that records it.
      if (gathered.events === 0) missing.push(`${FILES.events} is empty, so there is nothing that could be proved`);
      Object.assign(report, {
        events: gathered.events,
        proved: gathered.proved,
        checkpoint: { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root.toString("hex") },
        signed: checkpoint.by && `${checkpoint.by.name}+${checkpoint.by.id}`,
        sequences: gathered.sequences(finding),
        said: gathered.said?.index,
        inDoubt: gathered.open.size,
      });
    }
  } catch (error) {
    missing.push(error.message);
  }
  await checkManifest(dir, finding).catch((error) => missing.push(error.message));
  report.more = more;
  return finished(report);
};

const finished = (report) => {
  const { findings, missing, keys, sequences } = report;
  report.verdict = findings.length > 0 ? "broken" : missing.length > 0 ? "cannot-tell" : "ok";
  report.notProved = [
    ...(keys === "bundle"
      ? [
          "that the key is the gateway's: it came with the bundle. Compare it with one that you were given otherwise, or give that with --key",
        ]
      : []),
    sequences.some(({ complete }) => complete)
      ? "that the filter took every other entry: that none is missing is proved of a tenant's Do-Not-Calls where their numbers run from the first to the last"
      : "that the filter took every entry that it should have: what is here is proved, what is not here is not",
    "requests that did not pass the gateway, text that was masked before it was written, and that the clock was right",
  ];
  return report;
};

/** What a bundle says must not move the cursor of whoever reads the verdict, nor look like another line of it. */
const visible = (text) =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`);

const row = (name, says) => `  ${name.padEnd(10)}  ${says}`;

export const printBundle = (report) => {
  const {
    verdict,
    events,
    proved,
    checkpoint,
    signed,
    keys,
    sequences,
    said,
    inDoubt,
    findings,
    more,
    missing,
    notProved,
    outside,
  } = report;
  return [
    row("events", `${events}`),
    ...(checkpoint
      ? [
          row(
            "inclusion",
            `${proved} of ${events} proofs lead to checkpoint ${checkpoint.size} of ${checkpoint.origin} (root ${checkpoint.root.slice(0, 12)}…)`,
          ),
        ]
      : []),
    row(
      "signature",
      signed === undefined
        ? "by no known key"
        : `by ${signed} (${keys === "given" ? "the key given" : "the key in the bundle"})`,
    ),
    ...outsideRows(outside, row),
    ...sequences.map(({ dbid, upstream, first, last, missing: holes, said: until, complete }) =>
      row(
        "sequence",
        `Do-Not-Calls ${first}..${last} of ${tenantOf({ dbid, upstream })}, ${holes === 0 ? "no gap" : `${holes} not here`}; ${
          until === undefined
            ? "nothing says which was the last"
            : `the gateway said at index ${said} that ${until} was the last`
        }${complete ? ": complete up to there" : ""}`,
      ),
    ),
    ...(inDoubt > 0 ? [row("in doubt", `${inDoubt} intents whose end is not here`)] : []),
    ...findings.map((text) => row("broken", text)),
    ...(more > 0 ? [row("broken", `and ${more} more`)] : []),
    verdict === "ok"
      ? "OK  unchanged since the checkpoint was signed"
      : verdict === "broken"
        ? `BROKEN  ${findings.length + more} ${findings.length + more === 1 ? "finding" : "findings"}`
        : `CANNOT TELL  ${missing.join("; ")}`,
    ...notProved.map((text) => `not proved: ${text}`),
  ]
    .map(visible)
    .join("\n");
};

const EXIT = { ok: 0, broken: 7, "cannot-tell": 8 };

/** A path may have a + in it too. */
const keyOf = (given) => {
  try {
    return readFileSync(given, "utf8");
  } catch {
    return given.includes("+") ? given : undefined;
  }
};

const USAGE =
  "node verify.mjs --key <verifier key, or a file with it> [--witness <verifier key of a witness, or a file>]... [--require-witnesses] [--quorum <n>] [--timestamp-ca <file>]";

/** What was given by option; undefined when it is none of the usage. */
const optionsIn = (args) => {
  const found = { key: [], witness: [], quorum: [], ca: [], requireWitnesses: false };
  const names = {
    "--key": found.key,
    "--witness": found.witness,
    "--quorum": found.quorum,
    "--timestamp-ca": found.ca,
  };
  for (let at = 0; at < args.length; at++) {
    if (args[at] === "--require-witnesses") found.requireWitnesses = true;
    else if (Object.hasOwn(names, args[at]) && args[at + 1] !== undefined) names[args[at]].push(args[++at]);
    else return undefined;
  }
  const isOnce = found.key.length <= 1 && found.quorum.length <= 1 && found.ca.length <= 1;
  return isOnce && found.quorum.every((text) => /^[1-9]\d?$/.test(text)) ? found : undefined;
};

const main = async (args) => {
  const options = optionsIn(args);
  if (!options) {
    console.error(USAGE);
    return 2;
  }
  const texts = { key: options.key.map(keyOf), witness: options.witness.map(keyOf), ca: options.ca.map(keyOf) };
  for (const [name, values] of Object.entries(texts)) {
    const at = values.indexOf(undefined);
    if (at < 0) continue;
    console.error(`${options[name][at]} is no ${name === "ca" ? "" : "verifier key, and no "}file that can be read`);
    return 2;
  }
  const report = await verifyBundle(dirname(fileURLToPath(import.meta.url)), texts.key[0], {
    requireWitnesses: options.requireWitnesses,
    quorum: options.quorum.length > 0 ? Number(options.quorum[0]) : undefined,
    witnesses: texts.witness.length > 0 ? texts.witness.join("\n") : undefined,
    authorities: texts.ca[0],
  });
  console.log(printBundle(report));
  return EXIT[report.verdict];
};

// In the bundle it is called verify.mjs; where ocsgw has it, it is imported.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  process.exitCode = await main(process.argv.slice(2));
