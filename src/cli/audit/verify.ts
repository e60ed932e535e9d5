/** `ocsgw audit verify`: verifies a path, or the journal of the config. */
import { createPrivateKey } from "node:crypto";
import { AUTHORITIES, keptElsewhere, readOrWhy } from "../../app/wiring/journal/jobs/evidence-outside.ts";
import { verifierKey } from "../../journal/integrity/checkpoints/signed-note.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { loadToRead } from "../../settings/load.ts";
import { privateKeyPem } from "../../common/x509/pem.ts";
import { auditVerify, type AuditVerifyOptions } from "./output/verify-report.ts";
import { printProblemsToRead } from "../check/check.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { faultInWords, reason } from "../../common/system-error.ts";
import { CANNOT_TELL } from "../exit-codes.ts";

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
  const options = {
    ...(key !== undefined && { key }),
    ...(json && { json }),
    ...(sinceMark && { sinceMark }),
    witness,
    quorum,
    requireWitnesses,
    timestampCa,
    kept,
  };
  if (path !== undefined) return auditVerify(path, options);
  const loaded = await loadToRead(config);
  if (!loaded.ok) return printProblemsToRead(config);
  const { settings } = loaded;
  try {
    const outside = outsideOf(settings, options);
    const authorities = timestampCa === undefined ? await readOrWhy(AUTHORITIES, outside.timestampCa) : {};
    const { elsewhere, unread, away } = await keptElsewhere(settings);
    for (const each of away) console.error(each);
    return await auditVerify(settings.audit.dir, {
      ...options,
      ...outside,
      ...(authorities.why !== undefined && { timestampCa: undefined }),
      ...(await ownKey(settings)),
      elsewhere,
      unread: [...unread, ...(authorities.why === undefined ? [] : [authorities.why])],
    });
  } catch (error) {
    console.error(`CANNOT TELL  ${faultInWords(error)}`);
    return CANNOT_TELL;
  }
};

/** Options that are not given come from the config. */
const outsideOf = (
  { audit: { checkpoint } }: Settings,
  { witness, quorum, timestampCa }: Pick<AuditVerifyOptions, "witness" | "quorum" | "timestampCa">,
) => ({
  witness: witness ?? checkpoint.witnesses.map(({ key }) => key),
  quorum: quorum ?? checkpoint.witness_quorum ?? 1,
  timestampCa: timestampCa ?? checkpoint.timestamp?.ca,
});

/** The verifier key of the config's private key. Empty if there is no such file or this user cannot read it. */
const ownKey = async ({ audit: { checkpoint } }: Settings): Promise<{ readonly own?: string }> => {
  const pem = await readSmallFile(checkpoint.key).catch((error: NodeJS.ErrnoException) => {
    console.error(
      `${checkpoint.key} cannot be read (${reason(error)}). Give the gateway's verifier key with --key; without ` +
        "it nothing is proved",
    );
    return undefined;
  });
  return pem === undefined ? {} : { own: verifierKey(checkpoint.origin, createPrivateKey(privateKeyPem(pem))) };
};
