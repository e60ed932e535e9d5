/**
 * The watchers of the bench, all in one process: opens flow streams as browsers do, reads them, and tells what came. It
 * unpacks one of them only, because unpacking is the watchers' cost.
 */
import { request, type IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { constants, createGunzip } from "node:zlib";

/** `headers`: of each stream. */
export type Watching = {
  readonly port: number;
  readonly streams: readonly { readonly filter: string; readonly headers: Readonly<Record<string, string>> }[];
};
export type WatcherOrder = { readonly open: Watching } | "read" | "close";
/** `bytes`: of all streams. `flows`: of the first one. `ended`: streams that the gateway has ended. */
export type Watched = { readonly bytes: number; readonly flows: number; readonly ended: number };

const none: Watched = { bytes: 0, flows: 0, ended: 0 };
let seen: { -readonly [Name in keyof Watched]: Watched[Name] } = { ...none };
let close: (() => void)[] = [];

const open = async ({ port, streams }: Watching): Promise<void> => {
  seen = { ...none };
  const current = seen;
  const opened = await Promise.all(
    streams.map(async ({ filter, headers }, at) => {
      const path = `/api/flows/stream?filter=${encodeURIComponent(filter)}`;
      const asked = request({ host: "127.0.0.1", port, path, agent: false, headers }).end();
      const response = await new Promise<IncomingMessage>((resolve, reject) =>
        asked.once("response", resolve).once("error", reject),
      );
      asked.on("error", () => undefined);
      if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
      response.on("error", () => undefined).once("close", () => current.ended++);
      response.on("data", (chunk: Buffer) => (current.bytes += chunk.length));
      if (at === 0) countFlows(response, current);
      return asked;
    }),
  );
  close = opened.map((asked) => () => asked.destroy());
};

const countFlows = (response: IncomingMessage, into: { flows: number }): void => {
  const isPacked = response.headers["content-encoding"] === "gzip";
  const gunzip = createGunzip({ flush: constants.Z_SYNC_FLUSH });
  const body: Readable = isPacked ? pipeline(response, gunzip, () => undefined) : response;
  let rest = "";
  body.setEncoding("latin1").on("data", (chunk: string) => {
    const frames = (rest + chunk).split("\n\n");
    rest = frames.pop()!;
    into.flows += frames.filter((frame) => frame.includes("\nevent: flow\n")).length;
  });
};

process.on("message", (order: WatcherOrder) => {
  const said = (answer: Watched | { readonly fault: string }): void => void process.send!(answer);
  if (order === "read") return said(seen);
  if (order === "close") {
    for (const each of close) each();
    close = [];
    return said(seen);
  }
  return void open(order.open).then(
    () => said(seen),
    (error: unknown) => said({ fault: String(error) }),
  );
});
