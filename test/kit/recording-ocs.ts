/**
 * A pair of OCS, primary and backup, that is nothing but sockets and a ledger. What it answers follows from the
 * request's marker alone, so an answer that reaches another request is seen by its number; what it carried out, on
 * which connection and for whom, is written down.
 *
 * A POST's marker is its field MARK; a GET's is its group. Tenants are told apart as OCS would see them: by
 * GSW_TENANT_DBID, else by a list called "List <dbid>", else by a group whose DBID is <dbid> * 100 and a bit.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

export type InstanceName = "primary" | "backup";

/** One request whose last byte has come. */
export type Received = {
  /** performance.now() */
  readonly at: number;
  readonly marker: string;
  readonly upstream: string;
  readonly endpoint: string;
  readonly connection: number;
  readonly tenant: number;
  /** Requests of the same connection that were still unanswered when this one came. */
  readonly ahead: number;
  readonly warning: string;
  executed: boolean;
};

/** What happens to a request. All but the first two carry it out. */
export const TROUBLES = [
  "deaf", // read, not carried out, not answered
  "reset-before", // the connection is reset before anything is done
  "reset-after", // … after it was done: a lost reply
  "delay", // answered late, in time
  "stall", // never answered
  "late", // answered when the other side has given up
  "drip", // answered a byte at a time, too slowly
  "half-close", // the sending side ends without an answer
  "truncate", // a part of the answer, and the end
  "garbage", // bytes that are no answer
  "interim", // an answer nobody asked for before the answer
  "surplus", // another answer behind the answer
] as const;
export type Trouble = (typeof TROUBLES)[number];

const hash = (text: string): number => {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return (value ^ (value >>> 15)) >>> 0;
};

const NEGATIVE = [400, 404, 409, 410, 500];
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  500: "Internal server error",
};

/** Three of four are 200; the rest is spread over the negative statuses. */
export const statusOf = (marker: string): number =>
  hash(marker) % 4 > 0 ? 200 : NEGATIVE[(hash(marker) >>> 8) % NEGATIVE.length]!;
/** Nine digits, so that answers of one status are of one length. */
export const warningOf = (marker: string): string => String(100_000_000 + (hash(`warning ${marker}`) % 900_000_000));
/** The ids that the status of a campaign group shows. */
export const idsOf = (group: number): { readonly campaign: number; readonly group: number } => ({
  campaign: group + 1_000_000,
  group: group + 2_000_000,
});

const STRAY = "HTTP/1.1 200 OK\r\nServer: OCS/8.1.524.04\r\nWarning: 666\r\nContent-length: 0\r\n\r\n";
const LATE_MS = 700;
const DELAY_MS = 120;
const DRIP_MS = 25;
const STRAY_MS = 5;

type Wire = {
  readonly number: number;
  readonly instance: Instance;
  readonly socket: Socket;
  pending: string;
  unanswered: number;
};
/** `answer` is read after `carryOut`. */
type Request = { readonly received: Received; readonly answer: string; readonly carryOut: () => void };

/** What an OCS with records says to a request by handle. */
export type RecordBook = {
  /** The tenant of the record that has the handle now, if any. */
  readonly tenantOf: (handle: number) => number | undefined;
  /** Carries the request out. Returns OCS's status. */
  readonly carryOut: (handle: number, action: string, marker: string) => number;
};

export class RecordingOcs {
  readonly name: string;
  /** Absent: requests by record handle are answered by their markers, like others. */
  records: RecordBook | undefined;
  readonly ledger: Received[] = [];
  /** What befalls this share of the requests, while it is set. */
  trouble: { readonly kind: Trouble; readonly share: number } | undefined;
  /** Told of every byte that comes, as it comes. */
  tap: ((connection: number, text: string) => void) | undefined;
  readonly #random: () => number;
  readonly #instances: Readonly<Record<InstanceName, Instance>>;
  #active: InstanceName = "primary";
  #connections = 0;
  #serial = 0;

  private constructor(name: string, random: () => number) {
    this.name = name;
    this.#random = random;
    const greet = (socket: Socket, instance: Instance): void => this.#greet(socket, instance);
    this.#instances = { primary: new Instance(greet), backup: new Instance(greet) };
  }

  /** The primary listens; the backup has its port and refuses. `random` gives numbers from 0 to below 1. */
  static async start(name: string, random: () => number): Promise<RecordingOcs> {
    const ocs = new RecordingOcs(name, random);
    for (const instance of Object.values(ocs.#instances)) await instance.open();
    await ocs.#instances.backup.shut();
    return ocs;
  }

  url(instance: InstanceName): string {
    return this.#instances[instance].url;
  }

  get connections(): number {
    return this.#connections;
  }

  /** The active instance closes every connection in order and refuses from now on; the other one accepts. */
  async switchOver(): Promise<void> {
    const next = this.#active === "primary" ? "backup" : "primary";
    await this.#instances[this.#active].shut();
    this.#active = next;
    await this.#instances[next].open();
  }

  /** Both refuse, until `backUp`. */
  async bothDown(): Promise<void> {
    for (const instance of Object.values(this.#instances)) await instance.shut();
  }

  async backUp(): Promise<void> {
    await this.#instances[this.#active].open();
  }

  /** Every connection ends in order; new ones are taken. */
  closeConnections(): void {
    this.#instances[this.#active].end();
  }

  /** Every connection is reset; new ones are taken. */
  resetConnections(): void {
    this.#instances[this.#active].reset();
  }

  async close(): Promise<void> {
    this.trouble = undefined;
    for (const instance of Object.values(this.#instances)) {
      instance.reset();
      await instance.shut();
    }
  }

  #greet(socket: Socket, instance: Instance): void {
    const wire: Wire = { number: ++this.#connections, instance, socket, pending: "", unanswered: 0 };
    socket.setNoDelay(true).on("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      this.tap?.(wire.number, text);
      wire.pending += text;
      for (let request = take(wire); request; request = take(wire)) this.#receive(wire, request);
    });
  }

  #receive(wire: Wire, { target, body }: Whole): void {
    const group = /^\/campaigngroups\/(\d+)$/.exec(target)?.[1];
    const attributes = (body === "" ? {} : JSON.parse(Buffer.from(body, "latin1").toString("utf8"))) as Readonly<
      Record<string, unknown>
    >;
    const marker = group === undefined ? String(attributes.MARK as string) : `GET ${group}`;
    const list = /^\/lists\/List%20(\d+)\?/.exec(target)?.[1];
    const [, handle, action] = /^\/records\/(\d+)\?req=(\w+)$/.exec(target) ?? [];
    const book = handle === undefined ? undefined : this.records;
    const said = attributes.GSW_TENANT_DBID ?? list ?? (book ? book.tenantOf(Number(handle)) : undefined);
    const tenant = Number(said ?? Math.floor(Number(group) / 100));
    // Of one group there are many statuses: the number of a GET's answer is its own.
    const warning = group === undefined ? warningOf(marker) : String(++this.#serial);
    const received: Received = {
      at: performance.now(),
      marker,
      upstream: this.name,
      endpoint: wire.instance.url,
      connection: wire.number,
      tenant,
      ahead: wire.unanswered,
      warning,
      executed: false,
    };
    this.ledger.push(received);
    wire.unanswered++;
    let status = group === undefined ? statusOf(marker) : 200;
    const request: Request = {
      received,
      carryOut: () => book && (status = book.carryOut(Number(handle), action!, marker)),
      get answer() {
        return answerTo(status, warning, group === undefined ? "" : statusText(Number(group)));
      },
    };
    const { trouble } = this;
    const hit = trouble !== undefined && this.#random() < trouble.share;
    (hit ? BEHAVIOURS[trouble.kind] : behave)(wire, request, this.#random);
  }
}

type Behaviour = (wire: Wire, request: Request, random: () => number) => void;

const execute = ({ received, carryOut }: Request): void => {
  received.executed = true;
  carryOut();
};

const write = (wire: Wire, text: string): void => {
  if (wire.socket.writable) wire.socket.write(text, "latin1");
};

const behave: Behaviour = (wire, request) => {
  execute(request);
  wire.unanswered--;
  write(wire, request.answer);
};

/** Carries out, and leaves the request unanswered as far as order goes. */
const executed =
  (then: Behaviour): Behaviour =>
  (wire, request, random) => {
    execute(request);
    then(wire, request, random);
  };

const answeredAfter = (ms: number): Behaviour =>
  executed((wire, { answer }) => {
    setTimeout(() => (wire.unanswered--, write(wire, answer)), ms).unref();
  });

const drip: Behaviour = (wire, { answer }) => {
  let sent = 0;
  const timer = setInterval(() => {
    if (sent === answer.length || !wire.socket.writable) return clearInterval(timer);
    write(wire, answer[sent++]!);
  }, DRIP_MS);
  timer.unref();
};

const BEHAVIOURS: Readonly<Record<Trouble, Behaviour>> = {
  deaf: () => undefined,
  "reset-before": ({ socket }) => void socket.resetAndDestroy(),
  "reset-after": executed(({ socket }) => void socket.resetAndDestroy()),
  delay: answeredAfter(DELAY_MS),
  stall: executed(() => undefined),
  late: answeredAfter(LATE_MS),
  drip: executed(drip),
  "half-close": executed(({ socket }) => void socket.end()),
  truncate: executed(
    ({ socket }, { answer }, random) =>
      void socket.end(answer.slice(0, 1 + Math.floor(random() * (answer.length - 1))), "latin1"),
  ),
  garbage: executed((wire, { answer }) => write(wire, `\0\u00ff garbage\r\n\r\n${answer}`)),
  interim: executed((wire, { answer }) => write(wire, `HTTP/1.1 100 Continue\r\n\r\n${answer}`)),
  surplus: executed((wire, { answer }) => {
    wire.unanswered--;
    // Behind a positive answer only what comes with it can be told from the next answer; behind a negative one the
    // gateway listens for a moment.
    if (answer.startsWith("HTTP/1.1 200")) return write(wire, answer + STRAY);
    write(wire, answer);
    setTimeout(() => write(wire, STRAY), STRAY_MS).unref();
  }),
};

const answerTo = (status: number, warning: string, json: string): string => {
  const body = status === 200 ? json : `<HTML><body>${status} ${REASONS[status]} : ${warning}</body></HTML>`;
  const type = body === "" ? "" : `Content-type: ${status === 200 ? "application/json" : "text/html"}\r\n`;
  return (
    `HTTP/1.1 ${status} ${REASONS[status]}\r\nServer: OCS/8.1.524.04\r\nWarning: ` +
    `${warning}\r\n${type}Content-length: ${body.length}\r\n\r\n${body}`
  );
};

const statusText = (dbid: number): string => {
  const { campaign, group } = idsOf(dbid);
  return JSON.stringify({
    GSW_CM_MessageType: 24,
    GSW_CM_AttrCampaignID: campaign,
    GSW_CM_AttrGroupID: group,
    GSW_CM_AttrGroupCampStatus: 3,
  });
};

type Whole = { readonly target: string; readonly body: string };

const take = (wire: Wire): Whole | undefined => {
  const end = wire.pending.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = wire.pending.slice(0, end);
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  if (wire.pending.length < end + 4 + length) return undefined;
  const body = wire.pending.slice(end + 4, end + 4 + length);
  wire.pending = wire.pending.slice(end + 4 + length);
  return { target: head.split(" ", 2)[1]!, body };
};

/** One address that listens or refuses, and keeps its port while it refuses. */
class Instance {
  #server: Server | undefined;
  #port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #greet: (socket: Socket, instance: Instance) => void;

  constructor(greet: (socket: Socket, instance: Instance) => void) {
    this.#greet = greet;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    if (this.#server) return;
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined).once("close", () => this.#sockets.delete(socket));
      this.#greet(socket, this);
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Refuses new connections at once; those there are end in order. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.end();
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** A peer that does not close its side is not waited for. */
  end(): void {
    for (const socket of this.#sockets) {
      socket.end();
      setTimeout(() => socket.destroy(), 100);
    }
  }

  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}
