/**
 * The external evidence of a bundle: a checkpoint with cosignatures of witnesses, and one with a timestamp (RFC 3161).
 * Both can be older than the bundle's checkpoint; a consistency proof leads from each to that one.
 */
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isContinued, LONGEST_PATH } from "./bundle-tree.mjs";
import { cosignaturesIn, readWitnessKeys, requireOthers } from "./cosignature.mjs";
import { authoritiesIn, imprintOf, readTimestamp, TimestampFault } from "./timestamp.mjs";

export const OUTSIDE_FILES = {
  cosigned: "cosigned.txt",
  timestamped: "timestamped.txt",
  timestamp: "timestamp.tsr",
  consistency: "consistency.json",
};

const proofIn = (text, name) => {
  const proof = JSON.parse(text)?.[name];
  return Array.isArray(proof)
    ? proof.slice(0, LONGEST_PATH).map((each) => Buffer.from(String(each), "hex"))
    : undefined;
};

/** A bundle of a journal without witnesses has none of it, and older bundles neither. */
export const NO_OUTSIDE = { witnesses: [], unknown: [], timestamp: undefined };

/**
 * `read`: reads a small file of the bundle; `readCheckpoint`: gives a checkpoint, or a text that says what is wrong;
 * `finding`, `missing`: take reports; `own`: the given keys of the journal. Keys of witnesses and the authority's
 * certificates are those that the user gave.
 */
export const checkOutside = (dir, { checkpoint, read, readCheckpoint, finding, missing, given, own }) => {
  const keys = readWitnessKeys(given.witnesses ?? "");
  requireOthers(keys, own);
  const found = { ...NO_OUTSIDE };
  const parts = { dir, checkpoint, read, readCheckpoint, finding };
  if (existsSync(join(dir, OUTSIDE_FILES.cosigned))) Object.assign(found, cosignedIn(parts, keys));
  if (existsSync(join(dir, OUTSIDE_FILES.timestamp))) found.timestamp = timestampIn(parts, given.authorities);
  const { quorum = 1 } = given;
  const valid = validIn(found).length;
  if (given.requireWitnesses && valid < quorum) {
    missing(
      keys.length === 0
        ? "witnesses are required, but no witness key was given (--witness)"
        : `${quorum} ${quorum === 1 ? "witness is" : "witnesses are"} required, and ${valid} of those whose keys ` +
            "are given cosigned what is here",
    );
  }
  return found;
};

const validIn = ({ witnesses }) => witnesses.filter(({ verdict }) => verdict === "valid");

/** How many entries of the journal enough witnesses with given keys cosigned; 0 if there are not enough witnesses. */
export const cosignedEntries = (outside, { quorum = 1 }) => {
  const valid = validIn(outside);
  return valid.length >= quorum ? valid[0].size : 0;
};

/** No witness has cosigned `count` entries of the bundle; `first`: the index of the first of them. */
export const unseen = ({ count, first }, cosigned) =>
  `${count === 1 ? "1 entry" : `${count} entries`} of the bundle, from index ${first} on, ` +
  `${count === 1 ? "is" : "are"} not among the first ${cosigned} of the journal that witnesses cosigned: export ` +
  "again when they have cosigned, or export less";

/** A checkpoint of the journal that the bundle's own continues; undefined if it is not one, which is reported. */
const continued = ({ checkpoint, read, readCheckpoint, finding }, name, proofName) => {
  const older = readCheckpoint(read(name), name);
  if (typeof older === "string") return void finding(older);
  const proof = proofIn(read(OUTSIDE_FILES.consistency), proofName);
  if (older.origin !== checkpoint.origin || !proof || !isContinued(older, checkpoint, proof)) {
    return void finding(
      `the checkpoint in ${name} is no beginning of checkpoint ${checkpoint.size}: they contradict each other, ` +
        "or the proof was changed",
    );
  }
  return older;
};

const cosignedIn = (parts, keys) => {
  const name = OUTSIDE_FILES.cosigned;
  const older = continued(parts, name, "cosigned");
  if (!older) return NO_OUTSIDE;
  const { rows, unknownKeys } = cosignaturesIn(parts.read(name), keys, (signature) => signature.name === older.origin);
  for (const { name: witness, id, verdict } of rows) {
    if (verdict === "invalid")
      parts.finding(
        `the cosignature of witness ${witness}+${id} in ${name} does not verify: it or the checkpoint was changed`,
      );
  }
  // A cosignature of a checkpoint that no known key signed says nothing about this journal.
  const witnesses = rows
    .filter(({ verdict }) => verdict !== "invalid")
    .map(({ name: witness, id, verdict, time }) => ({
      witness: `${witness}+${id}`,
      size: older.size,
      time: time === 0 ? undefined : new Date(time * 1000).toISOString(),
      verdict: older.by ? verdict : "unchecked",
    }));
  return { witnesses, unknown: unknownKeys };
};

const MOST_TIMESTAMP = 1 << 20;

const timestampIn = (parts, pem) => {
  const older = continued(parts, OUTSIDE_FILES.timestamped, "timestamped");
  if (!older) return undefined;
  try {
    const path = join(parts.dir, OUTSIDE_FILES.timestamp);
    const file = lstatSync(path);
    if (!file.isFile() || file.size > MOST_TIMESTAMP)
      throw new TimestampFault("broken", "it is not a small regular file");
    const token = readFileSync(path);
    const { time, signer, isTrusted } = readTimestamp(token, {
      imprint: imprintOf(parts.read(OUTSIDE_FILES.timestamped)),
      authorities: pem === undefined ? undefined : authoritiesIn(pem),
    });
    return { size: older.size, time: new Date(time).toISOString(), signer, isTrusted, fault: undefined };
  } catch (error) {
    if (!(error instanceof TimestampFault)) throw error;
    if (error.kind === "broken")
      return void parts.finding(
        `${OUTSIDE_FILES.timestamp} is not a timestamp of the checkpoint in ${OUTSIDE_FILES.timestamped}: ` +
          `${error.message}`,
      );
    return { size: older.size, time: undefined, signer: undefined, isTrusted: false, fault: error.message };
  }
};

/** Rows for people. */
export const outsideRows = ({ witnesses, unknown, timestamp }, row) => [
  ...witnesses.map(({ witness, size, time, verdict }) =>
    row(
      "witness",
      verdict === "valid"
        ? `${witness} cosigned the first ${size} entries of the journal${time === undefined ? "" : ` at ${time}`}`
        : `${witness}: its cosignature cannot be checked here (this Node has no ML-DSA-44, or the key of the ` +
            "journal is not known)",
    ),
  ),
  ...(unknown.length > 0
    ? [row("witness", `${unknown.join(", ")}: not checked, the key is not given (--witness)`)]
    : []),
  ...(timestamp
    ? [
        row(
          "timestamp",
          timestamp.fault !== undefined
            ? `does not count: ${timestamp.fault}`
            : `the first ${timestamp.size} entries of the journal existed at ${timestamp.time}, says ` +
                `${timestamp.signer}` +
                (timestamp.isTrusted ? "" : " (which authority that is was not checked: --timestamp-ca)"),
        ),
      ]
    : []),
];
