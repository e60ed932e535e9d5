/** A client of the flow stream: one connection, every event that came, and the means to break it. */
import { get, type IncomingMessage } from "node:http";
import { pipeline } from "node:stream";
import { constants, createGunzip } from "node:zlib";

export type FlowEvent = { readonly id: string; readonly name: string; readonly data: Record<string, unknown> };

export type FlowStream = {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly events: readonly FlowEvent[];
  /** Of an answer that is no stream. */
  readonly error: string;
  /** Resolves to the first event for which `fits` is true, also one that came already. */
  readonly until: (fits: (event: FlowEvent) => boolean) => Promise<FlowEvent>;
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly close: () => void;
};

type Options = {
  readonly filter?: string;
  readonly cursor?: string | undefined;
  readonly token?: string;
  readonly query?: string;
  /** Accepts gzip. */
  readonly isPacked?: boolean;
};

export const openFlows = async (
  admin: string,
  { filter, cursor, token = "token", query, isPacked = false }: Options = {},
): Promise<FlowStream> => {
  const search = query ?? (filter === undefined ? "" : `?filter=${encodeURIComponent(filter)}`);
  const request = get(`${admin}/api/flows/stream${search}`, {
    agent: false,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(cursor !== undefined && { "Last-Event-ID": cursor }),
      ...(isPacked && { "Accept-Encoding": "gzip" }),
    },
  });
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request.once("response", resolve).once("error", reject),
  );
  request.on("error", () => undefined);
  const events: FlowEvent[] = [];
  const waiting = new Set<() => void>();
  let [text, isOver] = ["", false];
  const look = (): void => waiting.forEach((each) => each());
  const body =
    response.headers["content-encoding"] === "gzip"
      ? pipeline(response, createGunzip({ flush: constants.Z_SYNC_FLUSH }), () => undefined)
      : response;
  const ended = new Promise<void>((resolve) => body.once("close", () => ((isOver = true), look(), resolve())));
  for (const each of [response, body]) each.on("error", () => undefined);
  body.setEncoding("utf8").on("data", (chunk: string) => {
    const frames = (text += chunk).split("\n\n");
    if (response.statusCode !== 200) return;
    text = frames.pop()!;
    for (const frame of frames) {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(frame)?.[1] ?? "";
      events.push({ id: field("id"), name: field("event"), data: JSON.parse(field("data")) as FlowEvent["data"] });
    }
    look();
  });
  if (response.statusCode !== 200) await ended;
  return {
    status: response.statusCode!,
    headers: response.headers,
    events,
    error: response.statusCode === 200 ? "" : ((JSON.parse(text) as { error: string }).error ?? ""),
    until: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = events.find(fits);
          if (found) resolve(found);
          else if (isOver) reject(new Error(`the stream ended: ${JSON.stringify(events.slice(-3))}`));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
    ended,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => request.destroy(),
  };
};

export const flowsOf = ({ events }: Pick<FlowStream, "events">): readonly FlowEvent[] =>
  events.filter(({ name }) => name === "flow");
