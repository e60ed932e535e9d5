/**
 * Answers commands over the socket in `audit.dir`: while the gateway has the journal open, no other process may write
 * there.
 */
import { stat } from "node:fs/promises";
import type { AuditParts } from "../../../admin/audit-parts.ts";
import { isUserName, type RetentionParts } from "../../../admin/api/retention.ts";
import type { Decide } from "../../../admin/api/revocations.ts";
import { faultOf, type AccessRequest } from "../../../journal/access.ts";
import { listenForCommands, WrongCommand, type Command, type CommandSocket } from "../../../journal/command-socket.ts";
import { FilterError } from "../../../journal/search/filter/filter.ts";
import type { Lock } from "../../../journal/lock/lock.ts";
import { paths } from "../../../journal/paths.ts";
import { InvalidQuestion } from "../../../journal/search/worker/search-worker.ts";
import type { Question } from "../../../journal/search/worker/messages.ts";
import type { PeerWitnesses } from "./peers/peer-witnesses.ts";
import type { SetAsideCommands } from "./set-aside.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { faultInWords } from "../../../common/system-error.ts";
import { SerialQueue } from "../../../common/serial-queue.ts";

type Parts = {
  readonly lock: Lock;
  readonly audit: Pick<AuditParts, "ask" | "record">;
  readonly revoke: Decide;
  readonly retention: RetentionParts;
  readonly setAside: SetAsideCommands;
  readonly peers?: Pick<PeerWitnesses, "accept"> | undefined;
};

export type Commands = {
  /** Why commands cannot reach the gateway; undefined while they can. */
  readonly trouble: () => string | undefined;
};

const POLL_MS = 500;

/**
 * Keeps the socket open as long as the gateway has the lock: without the lock, it must not block the next gateway. A
 * deleted socket is made again. Never rejects, because clients' requests do not need the socket.
 */
export const startCommands = async (parts: Parts, stops: ShutdownSteps): Promise<Commands> => {
  const path = paths(parts.lock.dir).commands;
  let socket: (CommandSocket & { readonly id: string }) | undefined;
  let trouble: string | undefined;
  const ensureSocket = async (): Promise<void> => {
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
      trouble =
        `commands on this machine cannot reach the gateway: its socket ${path} cannot be made ` +
        `(${faultInWords(error)})`;
    }
  };
  await ensureSocket();
  const queue = new SerialQueue();
  const timer = setInterval(() => void queue.run(ensureSocket), POLL_MS).unref();
  stops.push(async () => {
    clearInterval(timer);
    await queue.idle();
    await socket?.close();
  });
  return { trouble: () => trouble };
};

/** Named pipes on Windows have no file. */
const idOf = async (path: string): Promise<string> => {
  if (process.platform === "win32") return path;
  return stat(path).then(
    ({ dev, ino }) => `${dev} ${ino}`,
    () => "",
  );
};

/** Rejects with WrongCommand for an invalid command, otherwise with an error whose message names the cause. */
const answer = async (parts: Parts, { name, body }: Command): Promise<unknown> => {
  const { audit, revoke, retention, setAside } = parts;
  if (typeof body !== "object" || body === null) throw new WrongCommand("expected an object");
  switch (name) {
    case "access":
      return recordAccess(audit, body as AccessRequest & { readonly sign?: boolean });
    case "revoke": {
      const decided = await revoke(body);
      if (typeof decided === "string") throw new WrongCommand(decided);
      return decided;
    }
    case "retention":
      return retention.state();
    case "confirm-clock": {
      const { user } = body as { readonly user?: unknown };
      if (!isUserName(user)) throw new WrongCommand("user: expected the name of the user who confirms the clock");
      return retention.confirmClock(user);
    }
    case "accept-journal":
      return acceptJournal(parts, body as Partial<Record<"node" | "user" | "purpose", unknown>>);
    case "set-aside-look":
      return setAside.examine(body);
    case "set-aside":
      return setAside.set(body);
    case "question":
      return ask(audit, body as Question);
    default:
      throw new WrongCommand(
        `the gateway that runs here is of another version and does not know ${JSON.stringify(name)}`,
      );
  }
};

const acceptJournal = async (
  { peers }: Parts,
  { node, user, purpose }: Partial<Record<"node" | "user" | "purpose", unknown>>,
): Promise<unknown> => {
  if (typeof node !== "string" || !isUserName(user) || typeof purpose !== "string" || purpose === "")
    throw new WrongCommand("expected the name of a node, a user and a purpose");
  const fault = peers ? await peers.accept(node, user, purpose) : "this gateway shares no database with others";
  if (fault !== undefined) throw new WrongCommand(fault);
  return { node };
};

const recordAccess = async (
  { record }: Parts["audit"],
  { sign, ...request }: AccessRequest & { readonly sign?: boolean },
): Promise<unknown> => {
  const fault = inWords(() => faultOf(request));
  if (fault !== undefined) throw new WrongCommand(fault);
  return record(request, sign === true);
};

const inWords = (examineCommand: () => string | undefined): string | undefined => {
  try {
    return examineCommand();
  } catch (error) {
    if (error instanceof FilterError) return error.render();
    throw error;
  }
};

const KINDS: ReadonlySet<string> = new Set<Question["kind"]>(["page", "person", "transaction", "open-dnc"]);
/** Entries in one answer, which is built on the thread that serves requests. */
const MOST = 1000;

const ask = async ({ ask: answerQuestion }: Parts["audit"], question: Question): Promise<unknown> => {
  if (!KINDS.has(question.kind))
    throw new WrongCommand(
      "the gateway that runs here is of another version and does not know the question " +
        `${JSON.stringify(question.kind)}`,
    );
  if ("limit" in question && !(Number.isSafeInteger(question.limit) && question.limit >= 1 && question.limit <= MOST))
    throw new WrongCommand(`limit: expected a number from 1 to ${MOST}`);
  try {
    return await answerQuestion(question);
  } catch (error) {
    if (error instanceof InvalidQuestion) throw new WrongCommand(error.message);
    throw error;
  }
};
