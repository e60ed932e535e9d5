/** `ocsgw audit verify`: of a directory, or of the journal that the config names. */
import { createPrivateKey } from "node:crypto";
import { readSecondPlaces } from "../assemble/second-places.ts";
import { anchorOf } from "../assemble/trust.ts";
import { verifierKey } from "../journal/note.ts";
import type { Elsewhere } from "../journal/verify/checkpoints.ts";
import type { Settings } from "../settings/schema.ts";
import { loadToRead } from "../settings/load.ts";
import { privateKeyPem } from "../x509/pem.ts";
import { auditVerify, type AuditVerifyOptions } from "./audit.ts";
import { sayInvalidToRead } from "./check.ts";
import { readSmallFile } from "../small-file.ts";
import { faultInWords, reason } from "../system-error.ts";

export type VerifyOptions = Pick<
  AuditVerifyOptions,
  "witness" | "quorum" | "requireWitnesses" | "timestampCa" | "kept"
> & {
  readonly path: string | undefined;
  readonly key?: string;
  readonly sinceMark?: boolean;
  readonly config: string;
  readonly json?: boolean;
};

export const verify = async ({
  path,
  key,
  config,
  json,
  sinceMark,
  witness,
  quorum,
  requireWitnesses,
  timestampCa,
  kept,
}: VerifyOptions): Promise<number> => {
  const told = {
    ...(key !== undefined && { key }),
    ...(json && { json }),
    ...(sinceMark && { sinceMark }),
    witness,
    quorum,
    requireWitnesses,
    timestampCa,
    kept,
  };
  if (path !== undefined) return auditVerify(path, told);
  const loaded = await loadToRead(config);
  if (!loaded.ok) return sayInvalidToRead(config);
  const { settings } = loaded;
  try {
    const outside = outsideOf(settings, told);
    const authorities =
      timestampCa === undefined
        ? await readOrWhy("the certificates of the time stamping authority", outside.timestampCa)
        : {};
    const anchor = await readOrWhy("the anchor", anchorOf(settings));
    const unread = [anchor.why, authorities.why].filter((why) => why !== undefined);
    return await auditVerify(settings.audit.dir, {
      ...told,
      ...outside,
      ...(authorities.why !== undefined && { timestampCa: undefined }),
      ...(await ownKey(settings)),
      elsewhere: await keptElsewhere(settings, anchor.text),
      unread,
    });
  } catch (error) {
    console.error(`CANNOT TELL  ${faultInWords(error)}`);
    return CANNOT_TELL;
  }
};

const CANNOT_TELL = 8;

/** Neither where there is no such file; `why`, where this user may not read it, or it is no file. */
const readOrWhy = async (
  what: string,
  path: string | undefined,
): Promise<{ readonly text?: string; readonly why?: string }> => {
  if (path === undefined) return {};
  try {
    return { text: await readSmallFile(path) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT"
      ? {}
      : { why: `${what}, ${path}, cannot be read (${reason(error)}), and so is not held against the journal` };
  }
};

/** What was not given is the config's. */
const outsideOf = (
  { audit: { checkpoint } }: Settings,
  { witness, quorum, timestampCa }: Pick<AuditVerifyOptions, "witness" | "quorum" | "timestampCa">,
) => ({
  witness: witness ?? checkpoint.witnesses.map(({ key }) => key),
  quorum: quorum ?? checkpoint.witness_quorum ?? 1,
  timestampCa: timestampCa ?? checkpoint.timestamp?.ca,
});

/** The verifier key of the config, which lies outside of what it verifies. Nothing where this user may not read it, or it is not there. */
const ownKey = async ({ audit: { checkpoint } }: Settings): Promise<{ readonly own?: string }> => {
  const pem = await readSmallFile(checkpoint.key).catch((error: NodeJS.ErrnoException) => {
    console.error(
      `${checkpoint.key} cannot be read (${reason(error)}): the journal is verified by a key that is given with --key, or by none that proves anything`,
    );
    return undefined;
  });
  return pem === undefined ? {} : { own: verifierKey(checkpoint.origin, createPrivateKey(privateKeyPem(pem))) };
};

/** What the gateway holds against the directory at each start. */
const keptElsewhere = async (settings: Settings, note: string | undefined): Promise<Elsewhere[]> => {
  const published = await readSecondPlaces(settings);
  for (const { name, away } of published)
    if (away !== undefined) console.error(`${name} could not be read, and is not held against the journal: ${away}`);
  return [
    ...(note === undefined ? [] : [{ name: `the anchor ${anchorOf(settings)}`, note }]),
    ...published.flatMap(({ name, notes = [] }) => notes.map((each) => ({ name, note: each }))),
  ];
};
