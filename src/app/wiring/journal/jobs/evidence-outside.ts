/**
 * The evidence outside the journal's directory with which a verification compares the lines: the anchor, the checkpoint
 * sinks, and the certificates of the time stamping authority.
 */
import type { KeptCheckpoint } from "../../../../journal/verify/checkpoints.ts";
import type { VerifyOptions } from "../../../../journal/verify/verify.ts";
import type { Settings } from "../../../../settings/schema/schema.ts";
import { readSmallFile } from "../../../../common/small-file/small-file.ts";
import { reason } from "../../../../common/system-error.ts";
import { readCheckpointSinks } from "../checkpoint-sinks.ts";
import { anchorOf } from "../journal-trust.ts";

/** Empty if there is no such file. `why`: it cannot be read, or it is not a regular file. */
export const readOrWhy = async (
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
      : { why: `${what}, ${path}, cannot be read (${reason(error)}), so the journal was not compared with it` };
  }
};

export const AUTHORITIES = "the certificates of the time stamping authority";

/** `unread`: evidence without which the verdict is not "ok". `away`: one sentence for each sink that was not read. */
export type KeptElsewhere = {
  readonly elsewhere: readonly KeptCheckpoint[];
  readonly unread: readonly string[];
  readonly away: readonly string[];
};

/** The anchor and the checkpoints of the sinks, with which the gateway compares the journal at each start. */
export const keptElsewhere = async (settings: Settings): Promise<KeptElsewhere> => {
  const anchor = await readOrWhy("the anchor", anchorOf(settings));
  const published = await readCheckpointSinks(settings);
  return {
    elsewhere: [
      ...(anchor.text === undefined ? [] : [{ name: `the anchor ${anchorOf(settings)}`, note: anchor.text }]),
      ...published.flatMap(({ name, notes = [] }) => notes.map((each) => ({ name, note: each }))),
    ],
    unread: anchor.why === undefined ? [] : [anchor.why],
    away: published.flatMap(({ name, away }) =>
      away === undefined ? [] : [`${name} could not be read, so the journal is not compared with it: ${away}`],
    ),
  };
};

/** What the gateway passes to a verification of its own journal. `own`: its verifier key. */
export const ownVerifyOptions = async (
  settings: Settings,
  own: string,
): Promise<{ readonly options: VerifyOptions; readonly away: readonly string[] }> => {
  const { witnesses, witness_quorum: quorum, timestamp } = settings.audit.checkpoint;
  const { elsewhere, unread, away } = await keptElsewhere(settings);
  const authorities = await readOrWhy(AUTHORITIES, timestamp?.ca);
  return {
    options: {
      own,
      elsewhere,
      unread: [...unread, ...(authorities.why === undefined ? [] : [authorities.why])],
      witnesses: witnesses.length === 0 ? undefined : witnesses.map(({ key }) => key).join("\n"),
      quorum: quorum ?? 1,
      authorities: authorities.text,
    },
    away,
  };
};
