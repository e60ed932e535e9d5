/** Plays one row of the contract: three requests on one lane, to an OCS that is nothing but a socket. */
import type { HeaderLine } from "../../../src/common/message.ts";
import type { Issued } from "../../../src/sandbox/server/certificates.ts";
import { UpstreamError, type Answer, type Request } from "../../../src/upstream/types.ts";
import { Switchboard } from "../../../src/upstream/switchboard.ts";
import { rawOcs, type RawConnection } from "../../kit/raw-ocs.ts";
import type { Outcome, Step } from "./contract.ts";

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => (ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms)));

/** Every request carries its number in its path, and every answer but the first carries it back. */
export const request = (number: number, method: "GET" | "POST" = "POST", tenant = "Alpha"): Request => ({
  tenant,
  method,
  path: `/records/${number}?req=RecordProcessed`,
  body: method === "GET" ? "" : "{}",
  urgent: false,
});
export const numberOf = (head: string): number => Number(/\/records\/(\d+)/.exec(head)![1]);
export const markedAnswer = (head: string): string =>
  `HTTP/1.1 200 OK\r\nWarning: ${numberOf(head)}\r\nContent-length: 0\r\n\r\n`;
export const markOf = ({ headers }: { readonly headers: readonly HeaderLine[] }): string | undefined =>
  headers.find(([name]) => name === "warning")?.[1];

/** Stops when the connection is gone. */
const perform = async (
  { socket, tcp }: RawConnection,
  steps: readonly Step[],
  second: Promise<unknown>,
): Promise<void> => {
  for (const step of steps) {
    if (socket.destroyed) return;
    if (typeof step === "string") socket.write(step, "latin1");
    else if (typeof step === "number") await pause(step);
    else if (step.does === "end") socket.end();
    else if (step.does === "drop") tcp.destroy();
    else if (step.does === "reset") tcp.resetAndDestroy();
    else await second;
  }
};

export type Play = {
  readonly steps: readonly Step[];
  readonly method?: "GET" | "POST" | undefined;
  /** OCS answers the second request only after all steps of the first. */
  readonly inOrder?: boolean | undefined;
  readonly tls?: (Issued & { readonly ca: string }) | undefined;
  /** Milliseconds for an answer. */
  readonly deadline: number;
};

/** `marks`: whose answers the second and the third got. `on`: by number of request, its connection. */
export type Played = {
  readonly outcome: Outcome;
  readonly sent: boolean;
  readonly body: string;
  readonly marks: readonly (string | undefined)[];
  readonly on: ReadonlyMap<number, number>;
};

export const aSwitchboard = (origin: string, answerTimeout: number, ca?: string): Switchboard =>
  new Switchboard({
    name: "ocs",
    primary: { origin, tls: ca === undefined ? {} : { ca }, connectTimeout: 5000 },
    connections: 1,
    onePerTenant: true,
    answerTimeout,
    queue: { max: 10, maxBytes: 1e8, maxWait: 10_000 },
    userAgent: "ocs-gateway/test",
  });

const outcomeOf = async (sending: Promise<Answer>): Promise<{ outcome: Outcome; sent: boolean; body: string }> => {
  try {
    const { status, body } = await sending;
    return { outcome: status, sent: true, body: Buffer.from(body).toString("latin1") };
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    return { outcome: error.reason as Outcome, sent: error.sent, body: "" };
  }
};

/** OCS does the steps for the first request; the second follows at once; the third when all steps are done. */
export const play = async ({ steps, method, inOrder, tls, deadline }: Play): Promise<Played> => {
  const on = new Map<number, number>();
  const second = Promise.withResolvers<void>();
  let done = Promise.resolve();
  const ocs = await rawOcs(
    ({ head, connection }) => {
      on.set(numberOf(head), connection.number);
      if (numberOf(head) === 1) return void (done = perform(connection, steps, second.promise));
      if (numberOf(head) === 2) setImmediate(second.resolve);
      if (!inOrder || connection.number !== on.get(1)) return markedAnswer(head);
      return void done.then(() => connection.socket.writable && connection.socket.write(markedAnswer(head)));
    },
    tls ? { tls } : {},
  );
  const switchboard = aSwitchboard(ocs.url, deadline, tls?.ca);
  try {
    const first = await outcomeOf(switchboard.send(request(1, method)));
    const marks = [markOf(await switchboard.send(request(2)))];
    await done;
    await pause(20);
    marks.push(markOf(await switchboard.send(request(3))));
    return { ...first, marks, on };
  } finally {
    await switchboard.close();
    await ocs.close();
  }
};
