/** What commands ask of the gateway that has the journal open, over the socket in `audit.dir`: while it runs, nobody else writes there. */
import { stat } from "node:fs/promises";
import type { AuditParts } from "../console/audit.ts";
import { isUserName, type RetentionParts } from "../console/retention.ts";
import type { Decide } from "../console/revocations.ts";
import { faultOf, type Asked } from "../journal/access.ts";
import { listenForCommands, WrongCommand, type Command, type CommandSocket } from "../journal/command-socket.ts";
import { FilterError } from "../journal/filter.ts";
import type { Lock } from "../journal/lock.ts";
import { places } from "../journal/places.ts";
import { WrongQuestion } from "../journal/search/desk.ts";
import type { Question } from "../journal/search/questions.ts";
import type { SettingAside } from "./set-aside.ts";
import type { Stops } from "./stops.ts";
import { faultInWords } from "../system-error.ts";

type Parts = {
  readonly lock: Lock;
  readonly audit: Pick<AuditParts, "ask" | "record">;
  readonly revoke: Decide;
  readonly retention: RetentionParts;
  readonly aside: SettingAside;
};

export type Commands = {
  /** In words, why commands do not reach the gateway; undefined while they do. */
  readonly trouble: () => string | undefined;
};

const LOOK_MS = 500;

/**
 * The socket is there as long as the lock is: a gateway that lost the lock must not keep out the one that takes it. One that was deleted is made
 * again. Never rejects: requests of clients do not need it.
 */
export const startCommands = async (parts: Parts, stops: Stops): Promise<Commands> => {
  const path = places(parts.lock.dir).commands;
  let socket: (CommandSocket & { readonly id: string }) | undefined;
  let trouble: string | undefined;
  const look = async (): Promise<void> => {
    try {
      const fault = await parts.lock.fault();
      if (socket && (fault !== undefined || socket.id !== (await idOf(path)))) {
        await socket.close();
        socket = undefined;
      }
      if (fault !== undefined || socket) return;
      const opened = await listenForCommands(path, (command) => answer(parts, command));
      socket = { ...opened, id: await idOf(path) };
      trouble = undefined;
    } catch (error) {
      trouble = `commands on this machine cannot reach the gateway: its socket ${path} cannot be made (${faultInWords(error)})`;
    }
  };
  await look();
  let turn = Promise.resolve();
  const timer = setInterval(() => void (turn = turn.then(look)), LOOK_MS).unref();
  stops.push(async () => {
    clearInterval(timer);
    await turn;
    await socket?.close();
  });
  return { trouble: () => trouble };
};

/** Named pipes of Windows have no file. */
const idOf = async (path: string): Promise<string> => {
  if (process.platform === "win32") return path;
  return stat(path).then(
    ({ dev, ino }) => `${dev} ${ino}`,
    () => "",
  );
};

/** Rejects with WrongCommand for what cannot be done as it was asked, else with what went wrong, in words. */
const answer = async ({ audit, revoke, retention, aside }: Parts, { name, body }: Command): Promise<unknown> => {
  if (typeof body !== "object" || body === null) throw new WrongCommand("expected an object");
  switch (name) {
    case "access":
      return recordAccess(audit, body as Asked & { readonly sign?: boolean });
    case "revoke": {
      const decided = await revoke(body);
      if (typeof decided === "string") throw new WrongCommand(decided);
      return decided;
    }
    case "retention":
      return retention.state();
    case "confirm-clock": {
      const { user } = body as { readonly user?: unknown };
      if (!isUserName(user)) throw new WrongCommand("user: expected who confirms the clock");
      return retention.confirmClock(user);
    }
    case "set-aside-look":
      return aside.look(body);
    case "set-aside":
      return aside.set(body);
    case "question":
      return ask(audit, body as Question);
    default:
      throw new WrongCommand(
        `the gateway that runs here is of another version and does not know ${JSON.stringify(name)}`,
      );
  }
};

const recordAccess = async (
  { record }: Parts["audit"],
  { sign, ...asked }: Asked & { readonly sign?: boolean },
): Promise<unknown> => {
  const fault = inWords(() => faultOf(asked));
  if (fault !== undefined) throw new WrongCommand(fault);
  return record(asked, sign === true);
};

const inWords = (look: () => string | undefined): string | undefined => {
  try {
    return look();
  } catch (error) {
    if (error instanceof FilterError) return error.render();
    throw error;
  }
};

const KINDS: ReadonlySet<string> = new Set<Question["kind"]>(["page", "person", "story", "owed"]);
/** Answers are put together on the thread that serves requests. */
const MOST = 1000;

const ask = async ({ ask: desk }: Parts["audit"], question: Question): Promise<unknown> => {
  if (!KINDS.has(question.kind))
    throw new WrongCommand(
      `the gateway that runs here is of another version and does not know the question ${JSON.stringify(question.kind)}`,
    );
  if ("limit" in question && !(Number.isSafeInteger(question.limit) && question.limit >= 1 && question.limit <= MOST))
    throw new WrongCommand(`limit: expected a number from 1 to ${MOST}`);
  try {
    return await desk(question);
  } catch (error) {
    if (error instanceof WrongQuestion) throw new WrongCommand(error.message);
    throw error;
  }
};
