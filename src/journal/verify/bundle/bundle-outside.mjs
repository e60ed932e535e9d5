/**
 * What a bundle has from outside: a checkpoint that witnesses cosigned, and one that has a timestamp (RFC 3161).
 * Both may be older than the bundle's own checkpoint: a consistency proof leads from each to that one. With nothing
 * but Node (20 or later).
 */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cosignaturesIn, readWitnessKeys, requireOthers } from "./cosignature.mjs";
import { authoritiesIn, imprintOf, readTimestamp, TimestampFault } from "./timestamp.mjs";

export const OUTSIDE_FILES = {
  cosigned: "cosigned.txt",
  timestamped: "timestamped.txt",
  timestamp: "timestamp.tsr",
  consistency: "consistency.json",
};

const nodeHash = (left, right) => createHash("sha256").update(Buffer.of(1)).update(left).update(right).digest();

/** Of a tree of 2^53 leaves. */
const LONGEST_PROOF = 64;

/** RFC 9162, 2.1.4.2. */
const isContinued = ({ size: size1, root: root1 }, { size: size2, root: root2 }, proof) => {
  if (!(size1 > 0 && size1 <= size2)) return false;
  if (size1 === size2) return proof.length === 0 && root1.equals(root2);
  const isPower = (BigInt(size1) & (BigInt(size1) - 1n)) === 0n;
  const [start, ...path] = isPower ? [root1, ...proof] : proof;
  if (!start) return false;
  let [node, last] = [BigInt(size1 - 1), BigInt(size2 - 1)];
  while (node % 2n === 1n) [node, last] = [node / 2n, last / 2n];
  let [first, second] = [start, start];
  for (const sibling of path) {
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      [first, second] = [nodeHash(sibling, first), nodeHash(sibling, second)];
      while (node % 2n === 0n && node !== 0n) [node, last] = [node / 2n, last / 2n];
    } else second = nodeHash(second, sibling);
    [node, last] = [node / 2n, last / 2n];
  }
  return last === 0n && first.equals(root1) && second.equals(root2);
};

const proofIn = (text, name) => {
  const proof = JSON.parse(text)?.[name];
  return Array.isArray(proof)
    ? proof.slice(0, LONGEST_PROOF).map((each) => Buffer.from(String(each), "hex"))
    : undefined;
};

/** Nothing of it is there in a bundle of a journal without witnesses, and in older bundles. */
export const NO_OUTSIDE = { witnesses: [], unknown: [], timestamp: undefined };

/**
 * `read`: a small file of the bundle; `readCheckpoint`: a checkpoint, or a text that says what is wrong with it;
 * `finding`, `missing`: are told; `own`: the journal's keys that were given. The keys of witnesses and the certificates
 * of the authority are those that were given from elsewhere.
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
        ? "witnesses are required, and no key of a witness is given: give them with --witness"
        : `${quorum} ${quorum === 1 ? "witness is" : "witnesses are"} required, ` +
            `and ${valid} of those whose keys are given cosigned what is here`,
    );
  }
  return found;
};

const validIn = ({ witnesses }) => witnesses.filter(({ verdict }) => verdict === "valid");

/** Entries of the journal that enough witnesses whose keys are given cosigned; 0 where there are not enough. */
export const cosignedEntries = (outside, { quorum = 1 }) => {
  const valid = validIn(outside);
  return valid.length >= quorum ? valid[0].size : 0;
};

/** `count` entries of the bundle, the first with the index `first`, were seen by no witness. */
export const unseen = ({ count, first }, cosigned) =>
  `${count === 1 ? "1 entry" : `${count} entries`} of the bundle, from index ${first} on, ${count === 1 ? "is" : "are"} not among the first ` +
  `${cosigned} of the journal that witnesses cosigned: export again when they have cosigned, or export less`;

/** A checkpoint of the journal that the bundle's own continues; undefined when it is none, which is told. */
const continued = ({ checkpoint, read, readCheckpoint, finding }, name, proofName) => {
  const older = readCheckpoint(read(name), name);
  if (typeof older === "string") return void finding(older);
  const proof = proofIn(read(OUTSIDE_FILES.consistency), proofName);
  if (older.origin !== checkpoint.origin || !proof || !isContinued(older, checkpoint, proof)) {
    return void finding(
      `the checkpoint in ${name} is no beginning of checkpoint ${checkpoint.size}: ` +
        `they contradict each other, or the proof was changed`,
    );
  }
  return older;
};

const cosignedIn = (parts, keys) => {
  const name = OUTSIDE_FILES.cosigned;
  const older = continued(parts, name, "cosigned");
  if (!older) return NO_OUTSIDE;
  const { rows, strangers } = cosignaturesIn(parts.read(name), keys, (signature) => signature.name === older.origin);
  for (const { name: witness, id, verdict } of rows) {
    if (verdict === "invalid")
      parts.finding(
        `the cosignature of witness ${witness}+${id} in ${name} does not verify: it or the checkpoint was changed`,
      );
  }
  // Who cosigned a checkpoint that no known key signed says nothing about this journal.
  const witnesses = rows
    .filter(({ verdict }) => verdict !== "invalid")
    .map(({ name: witness, id, verdict, time }) => ({
      witness: `${witness}+${id}`,
      size: older.size,
      time: time === 0 ? undefined : new Date(time * 1000).toISOString(),
      verdict: older.by ? verdict : "unchecked",
    }));
  return { witnesses, unknown: strangers };
};

const MOST_TIMESTAMP = 1 << 20;

const timestampIn = (parts, pem) => {
  const older = continued(parts, OUTSIDE_FILES.timestamped, "timestamped");
  if (!older) return undefined;
  try {
    const path = join(parts.dir, OUTSIDE_FILES.timestamp);
    const file = lstatSync(path);
    if (!file.isFile() || file.size > MOST_TIMESTAMP) throw new TimestampFault("broken", "it is no small file");
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
        `${OUTSIDE_FILES.timestamp} is no timestamp of the checkpoint in ` +
          `${OUTSIDE_FILES.timestamped}: ${error.message}`,
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
        : `${witness}: its cosignature cannot be checked here ` +
            `(this Node has no ML-DSA-44, or the key of the journal is not known)`,
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
            : `the first ${timestamp.size} entries of the journal existed at ${timestamp.time}, ` +
                `says ${timestamp.signer}` +
                (timestamp.isTrusted ? "" : " (which authority that is was not checked: --timestamp-ca)"),
        ),
      ]
    : []),
];
