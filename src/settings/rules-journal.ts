/** Where the journal is to be, and what signs it: both are made at the first start when they are not there. */
import { createPublicKey } from "node:crypto";
import { dirname, join, relative, resolve } from "node:path";
import { keyIn } from "./certificates.ts";
import type { Facts } from "./facts.ts";
import { inShell } from "../shell-word.ts";
import { isGone, reason } from "../system-error.ts";
import type { Files } from "./fill.ts";
import type { Finding } from "./problem.ts";
import { openToOthers, unfit, type Named } from "./rules-certificates.ts";
import { ed25519Of } from "./witness-key.ts";

type Audit = NonNullable<Facts["audit"]>;

export const findJournalProblems = ({ audit }: Facts, files: Files): readonly Finding[] => {
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
        : [unfit("OCSGW-6262", key, `it cannot be read: ${why}`)]),
  ];
};

/** A journal that was signed keeps its key: another one is made by nobody but its owner. */
const lostKey = ({ path, file }: Named, { value: { dir } }: Audit, files: Files): readonly Finding[] => {
  const [verifierKeys = ""] = textOf({ path, file: join(dir, "checkpoint.pub") }, files);
  const before = verifierKeys.split("\n").findLast((line) => line !== "");
  return before === undefined
    ? []
    : [
        {
          code: "OCSGW-6341",
          path,
          message: `the key ${file} is missing, and the journal in ${dir} is signed with it (verifier key ${before})`,
          help: `restore it from a copy; where it is lost: openssl genpkey -algorithm ed25519 -out ${inShell(file)}, and the journal says that its key has changed`,
        },
      ];
};

/** It tells of a directory that was taken away, so it lies beside it, and in no file that something else writes. */
const anchorProblems = ({ path: at, value: { dir, checkpoint } }: Audit, files: Files): readonly Finding[] => {
  const file = checkpoint.anchor ?? `${dir}.anchor`;
  const path = checkpoint.anchor === null ? [...at, "dir"] : [...at, "checkpoint", "anchor"];
  const isInside = !/^\.\.(?:$|[\\/])/.test(relative(resolve(dir), resolve(file)));
  if (isInside)
    return [
      {
        code: "OCSGW-6276",
        path,
        message: `the anchor ${file} lies in audit.dir, and would be lost or replaced with it`,
        help: "name a file outside it, as in ../audit.anchor",
      },
    ];
  const taken = [
    checkpoint.key,
    ...checkpoint.publish.flatMap((place) => (place.kind === "file" ? [place.path] : [])),
  ].find((other) => resolve(other) === resolve(file));
  if (taken !== undefined)
    return [
      {
        code: "OCSGW-6276",
        path,
        message: `the anchor ${file} is another file of the journal, which would be written over`,
      },
    ];
  const why = files.whyNotWritable?.(dirname(file));
  // Where the directory itself cannot be made, that is told, and is the same fault.
  const isTold = checkpoint.anchor === null && files.whyNotWritable?.(dir) !== undefined;
  return why === undefined || isTold
    ? []
    : [
        {
          code: "OCSGW-6277",
          path,
          message: `the anchor ${file} cannot be written in its folder: ${why}`,
          help: "audit.checkpoint.anchor names a file in another folder that the gateway may write to",
        },
      ];
};

/** A quorum that can never be met would be a warning for ever, and one of nobody says nothing. */
const quorumProblems = ({ path: at, value: { checkpoint } }: Audit): readonly Finding[] => {
  const { witnesses, witness_quorum: quorum } = checkpoint;
  if (quorum === null || quorum <= witnesses.length) return [];
  const found =
    witnesses.length === 0
      ? "no witness is listed"
      : `${witnesses.length} ${witnesses.length === 1 ? "witness is" : "witnesses are"} listed`;
  return [
    {
      code: "OCSGW-6278",
      path: [...at, "checkpoint", "witness_quorum"],
      message: `${quorum} ${quorum === 1 ? "witness" : "witnesses"} must cosign, and ${found}`,
      help: "list more under audit.checkpoint.witnesses, or lower the number",
    },
  ];
};

/** The journal's own key would confirm what it has signed itself. */
const ownWitness = ({ path: at, value: { checkpoint } }: Audit, pem: string): readonly Finding[] => {
  const key = keyIn(pem);
  if (typeof key === "string" || key.asymmetricKeyType !== "ed25519") return [];
  const own = createPublicKey(key).export({ format: "jwk" }).x;
  return checkpoint.witnesses.flatMap((witness, index): readonly Finding[] =>
    ed25519Of(witness.key) === own
      ? [
          {
            code: "OCSGW-6279",
            path: [...at, "checkpoint", "witnesses", index, "key"],
            message: "this is the key that signs the journal's checkpoints: a journal that is its own witness has none",
          },
        ]
      : [],
  );
};

/** The text, or why there is none, unless there is no such file. */
const textOf = ({ file }: Named, { readFile }: Files): readonly [text?: string | undefined, why?: string] => {
  try {
    return [readFile(file)];
  } catch (error) {
    return isGone(error) ? [] : [undefined, reason(error)];
  }
};

const notWritable = ({ path }: Named, folder: string, { whyNotWritable }: Files): readonly Finding[] => {
  const why = whyNotWritable?.(folder);
  return why === undefined
    ? []
    : [{ code: "OCSGW-6268", path, message: `nothing can be written in ${folder}: ${why}` }];
};

const keyProblems = (named: Named, text: string, files: Files): readonly Finding[] => {
  const key = keyIn(text);
  const why =
    typeof key === "string"
      ? key
      : key.asymmetricKeyType === "ed25519"
        ? undefined
        : `expected an Ed25519 key, found one of type ${key.asymmetricKeyType}`;
  return [...(why === undefined ? [] : [unfit("OCSGW-6262", named, why)]), ...openToOthers(named, files)];
};
