/** Setting a damaged segment aside while the gateway runs: asked for over the socket in `audit.dir`. */
import { faultOf } from "../journal/access.ts";
import type { Journal } from "../journal/append.ts";
import type { Checkpoints } from "../journal/checkpoint.ts";
import { WrongCommand } from "../journal/command-socket.ts";
import type { OpenDoNotCalls } from "../journal/open-do-not-calls.ts";
import {
  finishSettingAside,
  firstIn,
  lookAt,
  NotSetAside,
  setAside,
  type Look,
  type Setting,
} from "../journal/set-aside.ts";
import type { StateSigner } from "../journal/start-state.ts";
import type { Rereading } from "./rereading.ts";

/** `index`: of the entry that says so; undefined where it was only looked at. */
export type ToldAside = Look & { readonly index?: number; readonly lost?: number | null };
export type AsideAnswer = ToldAside | { readonly refused: string; readonly kind: NotSetAside["kind"] };

export type SettingAside = {
  /** `segment`: as somebody wrote it. */
  readonly look: (body: object) => Promise<AsideAnswer>;
  /** Resolves when the files are moved. */
  readonly set: (body: object) => Promise<AsideAnswer>;
};

type Parts = {
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly signer: StateSigner;
  readonly openDoNotCalls: OpenDoNotCalls;
  /** Resolves with whether it is known which Do-Not-Calls are open. */
  readonly known: () => Promise<boolean>;
  readonly rereading: Pick<Rereading, "wasSetAside">;
};

/** Makes the moves that an earlier run had said and not made. */
export const startSettingAside = async ({ known, rereading, ...parts }: Parts): Promise<SettingAside> => {
  await finishSettingAside(parts.journal);
  return {
    look: (body) => answered(async () => lookAt(parts, firstIn(segmentIn(body)))),
    set: (body) =>
      answered(async () => {
        const first = firstIn(segmentIn(body));
        const by = byIn(body);
        await known();
        const told = await setAside({ ...parts, by }, first);
        rereading.wasSetAside(first);
        return toldOf(told);
      }),
  };
};

export const toldOf = ({ entry, index }: Awaited<ReturnType<typeof setAside>>): ToldAside => {
  const { from, to, files, damage, intact, oldest, youngest, lost } = entry;
  return { from, to, files, damage, intact, oldest, youngest, lost, index };
};

/** What is refused is an answer. */
export const answered = async (work: () => Promise<ToldAside>): Promise<AsideAnswer> => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NotSetAside)) throw error;
    return { refused: error.message, kind: error.kind };
  }
};

const segmentIn = (body: object): string => {
  const { segment } = body as { readonly segment?: unknown };
  if (typeof segment !== "string" || segment === "") throw new WrongCommand("segment: expected the name of a segment");
  return segment;
};

/** Everything that is written into the journal is checked. */
const byIn = (body: object): Setting["by"] => {
  const { user, behind, purpose } = body as Setting["by"];
  const fault = faultOf({ user, behind, purpose, operation: "export" });
  if (fault !== undefined) throw new WrongCommand(fault);
  return { user, behind, purpose };
};
