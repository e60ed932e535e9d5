/**
 * `ocsgw flows`: shows requests and events of the running gateway as they happen. After a lost connection it continues
 * at the last event that it printed, also with a gateway that was restarted.
 */
import { setTimeout as after } from "node:timers/promises";
import { accountName, tokensIn } from "../../journal/access.ts";
import { FilterError, parseFilter } from "../../journal/search/filter/filter.ts";
import type { AdminOptions } from "../admin-client.ts";
import { purposeFrom } from "../audit/access/purpose.ts";
import { userInWords, whoAsks } from "../audit/access/who-asks.ts";
import { expressionOf } from "../audit/expression.ts";
import { FAILED, UNREACHABLE, WRONG_USAGE } from "../exit-codes.ts";
import { followOnce, type StreamEnd } from "./flow-client.ts";
import { FlowPrinter, type Host } from "./flow-printer.ts";

export type FlowsOptions = AdminOptions & {
  readonly words: readonly string[];
  readonly purpose?: string;
  readonly json?: boolean;
};

const RETRY_MS = 1000;
const MOST_RETRY_MS = 30_000;
/** A stream that ends sooner is tried again later each time, because each opening is an entry in the journal. */
const SHORT_MS = 10_000;

/** Resolves only if it cannot follow the flows; otherwise a signal ends the process. */
export const flows = async (options: FlowsOptions, host: Host = process): Promise<number> => {
  try {
    const filter = expressionOf(options.words);
    // Before they become part of an address: neither may contain a phone number.
    parseFilter(filter);
    const mayAsk = options.purpose !== undefined || tokensIn(filter) !== undefined;
    const purpose = mayAsk ? await purposeFrom(options.purpose) : undefined;
    const asked = {
      filter,
      user: accountName(userInWords(await whoAsks())),
      ...(purpose !== undefined && { purpose }),
    };
    return await follow(options, `/api/flows/stream?${new URLSearchParams(asked).toString()}`, host);
  } catch (error) {
    if (!(error instanceof FilterError || error instanceof RangeError)) throw error;
    console.error(error instanceof FilterError ? error.render() : error.message);
    return WRONG_USAGE;
  }
};

const follow = async (options: FlowsOptions, path: string, host: Host): Promise<number> => {
  const printer = new FlowPrinter({ json: options.json === true || !process.stdout.isTTY, host });
  let cursor: string | undefined;
  let hasFollowed = false;
  let wait = RETRY_MS;
  for (;;) {
    let said: string | undefined;
    let began: number | undefined;
    const end = await followOnce(options, { path, cursor }, async (event) => {
      said = await printer.print(event);
      cursor = event.id;
      hasFollowed = true;
      began ??= performance.now();
    });
    const refused = end.kind === "refused" ? end : undefined;
    const code = hasFollowed ? codeLater(end, options, cursor) : codeAtFirst(end);
    if (code !== undefined) return code;
    // The gateway accepted the filter before, so it is about the cursor.
    if (refused?.status === 400 || refused?.status === 410) {
      await printer.cut(refused.error);
      cursor = undefined;
      continue;
    }
    printer.lost(said ?? (end.kind === "lost" ? end.why : (refused?.error ?? "")));
    await after(Math.max(wait, Math.min(MOST_RETRY_MS, (refused?.retryAfter ?? 0) * 1000)));
    if (began !== undefined)
      wait = performance.now() - began < SHORT_MS + wait ? Math.min(MOST_RETRY_MS, 2 * wait) : RETRY_MS;
  }
};

/** The exit code if the first connection failed; its reason is printed. */
const codeAtFirst = (end: StreamEnd): number | undefined => {
  if (end.kind === "code") return end.code;
  if (end.kind === "lost") {
    console.error(end.why);
    return UNREACHABLE;
  }
  if (end.status !== 400 && end.status !== 503) return end.explain();
  console.error(end.error);
  return end.status === 400 ? WRONG_USAGE : FAILED;
};

/**
 * The exit code if it is no use to connect again. A gateway that starts has a new token, so a rejected one is read
 * again, unless the user gave it.
 */
const codeLater = (end: StreamEnd, { token }: FlowsOptions, cursor: string | undefined): number | undefined => {
  if (end.kind === "code") return end.code;
  if (end.kind === "lost" || end.status >= 500) return undefined;
  if (end.status === 400 || end.status === 410) return cursor === undefined ? codeAtFirst(end) : undefined;
  return end.status === 401 && token === undefined ? undefined : end.explain();
};
