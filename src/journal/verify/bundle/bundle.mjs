/**
 * Verifies a bundle of journal entries offline. It needs only Node (20 or later), and shares no code with the program
 * that wrote the bundle.
 *
 *     node verify.mjs --key <verifier key, or a file with it> [--witness <key, or file>]… [--require-witnesses]
 *     [--quorum N] [--timestamp-ca <file>]
 *
 * Get the key from another source than the bundle: whoever made the bundle can have made the key in it. Exit codes: 0
 * unchanged, 7 broken, 8 cannot tell (for example without a key). README.txt explains each file. The formats are RFC
 * 6962 (the tree) and C2SP signed notes (the checkpoint), so other programs can verify a bundle too.
 */
import { readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { keysIn, readCheckpoint, readKey } from "./bundle-checkpoint.mjs";
import { checkEvents } from "./bundle-events.mjs";
import { checkManifest, FILES, isFile, readSmall } from "./bundle-files.mjs";
import { checkOutside, cosignedEntries, NO_OUTSIDE, unseen } from "./bundle-outside.mjs";
import { printBundle } from "./bundle-report.mjs";

export { printBundle } from "./bundle-report.mjs";

const MOST_FINDINGS = 100;
const OWN_KEY =
  "the only key is the one in the bundle, and whoever made the bundle can have made it; give the gateway's key " +
  "with --key";

/**
 * `key`: verifier keys, one per line; the bundle's own keys if undefined. `given`: keys of witnesses and certificates
 * of a time stamping authority; `isPacked`: the directory has what was in a zip, and nothing else.
 */
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
    ignored: [],
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
    if (keys.length === 0) missing.push("no key was given, and the bundle has none");
    else if (key === undefined) missing.push(OWN_KEY);
    const checkpoint = readCheckpoint(readSmall(dir, FILES.checkpoint), keys);
    if (typeof checkpoint === "string") finding(checkpoint);
    else {
      if (!checkpoint.by && keys.length > 0)
        missing.push(
          `the checkpoint is signed by ${checkpoint.names.join(", ")}, and not by ` +
            `${keys.map(({ name, id }) => `${name}+${id}`).join(", ") || "a key that is known"}`,
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
      const summary = await checkEvents(dir, checkpoint, { finding, cosigned });
      if (given.requireWitnesses && cosigned > 0 && summary.behind.count > 0)
        missing.push(unseen(summary.behind, cosigned));
      // Every export contains at least the entry that records it.
      if (summary.events === 0) missing.push(`${FILES.events} is empty, so there is nothing to prove`);
      Object.assign(report, {
        events: summary.events,
        proved: summary.proved,
        checkpoint: { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root.toString("hex") },
        signed: checkpoint.by && `${checkpoint.by.name}+${checkpoint.by.id}`,
        sequences: summary.sequences(finding),
        said: summary.said?.index,
        inDoubt: summary.open.size,
      });
    }
  } catch (error) {
    missing.push(error.message);
  }
  const ignored = given.isPacked ? undefined : (name) => report.ignored.push(name);
  await checkManifest(dir, finding, ignored).catch((error) => missing.push(error.message));
  report.more = more;
  return finished(report);
};

const finished = (report) => {
  const { findings, missing, keys, sequences } = report;
  report.verdict = findings.length > 0 ? "broken" : missing.length > 0 ? "cannot-tell" : "ok";
  report.notProved = [
    ...(keys === "bundle"
      ? [
          "that the key is the gateway's: it came with the bundle. Compare it with a key from another source, " +
            "or give that key with --key",
        ]
      : []),
    sequences.some(({ complete }) => complete)
      ? "that no other matching entry is missing: that is proved only for a tenant's Do-Not-Calls whose numbers " +
        "run from the first to the last"
      : "that no other matching entry is missing: only the entries in this bundle are proved",
    "requests that did not pass the gateway, text that was masked before it was written, and that the clock was right",
  ];
  return report;
};

const EXIT = { ok: 0, broken: 7, "cannot-tell": 8 };

/** The content of the file, or the key itself. A path may contain a + too. */
const keyOf = (given) => {
  try {
    return readFileSync(given, "utf8");
  } catch {
    return given.includes("+") ? given : undefined;
  }
};

const USAGE =
  "node verify.mjs --key <verifier key, or a file with it> [--witness <verifier key of a witness, or a " +
  "file>]... [--require-witnesses] [--quorum <n>] [--timestamp-ca <file>]";

/** The options; undefined for wrong usage. */
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
    console.error(`${options[name][at]} is not ${name === "ca" ? "" : "a verifier key or "}a file that can be read`);
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

// A bundle contains this file as verify.mjs and runs it; ocsgw imports it.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  process.exitCode = await main(process.argv.slice(2));
