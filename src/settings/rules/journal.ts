/** Rules about the journal's directory, its signing key, its anchor and its witnesses. */
import { createPublicKey } from "node:crypto";
import { dirname, join, relative, resolve } from "node:path";
import { keyIn } from "../files/certificates.ts";
import type { ParsedParts } from "./parsed-parts.ts";
import { inShell } from "../../common/shell-word.ts";
import { isGone, reason } from "../../common/system-error.ts";
import type { Files } from "../interpolate.ts";
import type { FilesOf } from "./files/contents.ts";
import type { Finding } from "../problems/problem.ts";
import { readableByOthers, type Named } from "./files/certificates.ts";
import { ed25519Of } from "../files/witness-key.ts";

const PROBLEMS = {
  unreadableKey: (file: string, why: string) => ({
    code: "OCSGW-6262",
    message: `${file}: it cannot be read: ${why}`,
    help: "correct the path, or the permissions for the gateway's user, and run check as that user",
  }),
  invalidKey: (file: string, why: string) => ({
    code: "OCSGW-6262",
    message: `${file}: ${why}`,
    help:
      "if this file is another key (such as one of TLS), leave it as it is, and name the file of the journal's own " +
      "key; if it has signed a journal, restore it from a backup; for a new journal, name a file that does not exist " +
      "yet: the gateway makes the key",
  }),
  lostKey: (file: string, dir: string, verifierKey: string) => ({
    code: "OCSGW-6341",
    message: `the key ${file} is missing, but the journal in ${dir} is signed with it (verifier key ${verifierKey})`,
    help:
      "restore the file from a backup; if the key is lost, make a new one with openssl genpkey -algorithm ed25519 " +
      `-out ${inShell(file)}, and the journal records that its key has changed`,
  }),
  anchorInside: (file: string, isStated: boolean) => ({
    code: "OCSGW-6276",
    message: `the anchor ${file} is inside audit.dir, and would be lost or replaced together with it`,
    help: isStated
      ? "remove the setting to use the file beside audit.dir with .anchor added, or name a file outside audit.dir; " +
        "then move the present anchor there if there is one"
      : "give the journal a directory of its own in audit.dir, or name a file outside it in audit.checkpoint.anchor",
  }),
  anchorTaken: (file: string) => ({
    code: "OCSGW-6276",
    message: `the anchor ${file} is also the checkpoint key or a checkpoint sink, which the anchor would overwrite`,
    help: "set audit.checkpoint.anchor to a file that nothing else uses",
  }),
  anchorNotWritable: (file: string, why: string) => ({
    code: "OCSGW-6277",
    message: `this user cannot write the anchor ${file} in its folder: ${why}`,
    help:
      "correct the permissions for the gateway's user, and run check as that user; or set audit.checkpoint.anchor to " +
      "a file in another folder, and move the present anchor there if there is one",
  }),
  quorum: (quorum: number, listed: number) => ({
    code: "OCSGW-6278",
    message: `witness_quorum is ${quorum}, but the number of configured witnesses is ${listed}`,
    help: "add witnesses under audit.checkpoint.witnesses, or lower witness_quorum",
  }),
  ownWitness: {
    code: "OCSGW-6279",
    message: "this is the key that signs the journal's own checkpoints; a journal cannot be its own witness",
    help: "use the verifier key that ocsgw witness prints on the witness's machine",
  },
  notWritable: (folder: string, why: string) => ({
    code: "OCSGW-6268",
    message: `this user cannot write in ${folder}: ${why}`,
    help:
      "correct the permissions for the gateway's user, and run check as that user; or correct the path if it is a " +
      "mistake: in another folder the gateway begins with a new journal, or a new key",
  }),
} as const;

type Audit = NonNullable<ParsedParts["audit"]>;

export const findJournalProblems = ({ audit }: ParsedParts, files: FilesOf): readonly Finding[] => {
  if (!audit) return [];
  const key = { path: [...audit.path, "checkpoint", "key"], file: audit.value.checkpoint.key };
  const [text, why] = textOf(key, files);
  return [
    ...notWritable({ path: [...audit.path, "dir"], file: audit.value.dir }, audit.value.dir, files),
    ...anchorProblems(audit, files),
    ...quorumProblems(audit),
    ...(text === undefined ? [] : ownWitness(audit, text)),
    ...(text !== undefined
      ? keyProblems(key, text, files)
      : why === undefined
        ? [...lostKey(key, audit, files), ...notWritable(key, dirname(key.file), files)]
        : [{ ...PROBLEMS.unreadableKey(key.file, why), path: key.path }]),
  ];
};

/** The signing key of a signed journal is missing: the gateway does not make a new one without the owner. */
const lostKey = ({ path, file }: Named, { value: { dir } }: Audit, files: Files): readonly Finding[] => {
  const [verifierKeys = ""] = textOf({ path, file: join(dir, "checkpoint.pub") }, files);
  const before = verifierKeys.split("\n").findLast((line) => line !== "");
  return before === undefined ? [] : [{ ...PROBLEMS.lostKey(file, dir, before), path }];
};

/** The anchor detects a replaced directory, so it must be outside it, in a file that nothing else writes. */
const anchorProblems = ({ path: at, value: { dir, checkpoint } }: Audit, files: FilesOf): readonly Finding[] => {
  const absolute = (path: string): string => resolve(dirname(resolve(files.file)), path);
  const isStated = checkpoint.anchor !== null;
  const file = checkpoint.anchor ?? `${absolute(dir)}.anchor`;
  const path = isStated ? [...at, "checkpoint", "anchor"] : [...at, "dir"];
  const isInside = !/^\.\.(?:$|[\\/])/.test(relative(absolute(dir), absolute(file)));
  if (isInside) return [{ ...PROBLEMS.anchorInside(file, isStated), path }];
  const taken = [
    checkpoint.key,
    ...checkpoint.publish.flatMap((place) => (place.kind === "file" ? [place.path] : [])),
  ].find((other) => absolute(other) === absolute(file));
  if (taken !== undefined) return [{ ...PROBLEMS.anchorTaken(file), path }];
  const why = files.whyNotWritable?.(dirname(file));
  // A directory that cannot be made has been reported, and has the same cause.
  const isReported = !isStated && files.whyNotWritable?.(dir) !== undefined;
  return why === undefined || isReported ? [] : [{ ...PROBLEMS.anchorNotWritable(file, why), path }];
};

/** A quorum that cannot be reached would cause a permanent warning. */
const quorumProblems = ({ path: at, value: { checkpoint } }: Audit): readonly Finding[] => {
  const { witnesses, witness_quorum: quorum } = checkpoint;
  return quorum === null || quorum <= witnesses.length
    ? []
    : [{ ...PROBLEMS.quorum(quorum, witnesses.length), path: [...at, "checkpoint", "witness_quorum"] }];
};

/** A witness with the journal's own key proves nothing. */
const ownWitness = ({ path: at, value: { checkpoint } }: Audit, pem: string): readonly Finding[] => {
  const key = keyIn(pem);
  if (typeof key === "string" || key.asymmetricKeyType !== "ed25519") return [];
  const own = createPublicKey(key).export({ format: "jwk" }).x;
  return checkpoint.witnesses.flatMap((witness, index): readonly Finding[] =>
    ed25519Of(witness.key) === own
      ? [{ ...PROBLEMS.ownWitness, path: [...at, "checkpoint", "witnesses", index, "key"] }]
      : [],
  );
};

/** The text, or why it cannot be read; neither if the file does not exist. */
const textOf = ({ file }: Named, { readFile }: Files): readonly [text?: string | undefined, why?: string] => {
  try {
    return [readFile(file)];
  } catch (error) {
    return isGone(error) ? [] : [undefined, reason(error)];
  }
};

const notWritable = ({ path }: Named, folder: string, { whyNotWritable }: Files): readonly Finding[] => {
  const why = whyNotWritable?.(folder);
  return why === undefined ? [] : [{ ...PROBLEMS.notWritable(folder, why), path }];
};

const keyProblems = (named: Named, text: string, files: Files): readonly Finding[] => {
  const key = keyIn(text);
  const why =
    typeof key === "string"
      ? key
      : key.asymmetricKeyType === "ed25519"
        ? undefined
        : `expected an Ed25519 key, found one of type ${key.asymmetricKeyType}`;
  return [
    ...(why === undefined ? [] : [{ ...PROBLEMS.invalidKey(named.file, why), path: named.path }]),
    ...readableByOthers(named, files),
  ];
};
