/**
 * The way of one machine to the shared database, with what `SharedDatabase` of src/cluster promises: a statement is
 * carried out or not, and may be carried out although its reply was lost or came too late. What was under way when the
 * way was cut may arrive when it is free again, as with TCP.
 */
import { DatabaseUnavailable, type Query, type SharedDatabase, type Statement } from "../../../src/cluster/database.ts";
import type { Random } from "../random.ts";
import type { Owner, Scheduler } from "../scheduler.ts";
import type { Tables } from "./tables.ts";

/** Limits of a statement of a beat, and of any other one, in milliseconds: as in `startCluster`. */
const LIMIT_MS = { beats: 1000, others: 2000 } as const;
const SLOW_MS = { least: 40, most: 3000 };

type Listening = {
  readonly owner: Owner;
  readonly onPayload: (channel: string, payload: string) => void;
  readonly onConnected: () => void;
};

/** What all links share. */
export type Server = {
  readonly tables: Tables;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly links: readonly Link[];
  isDown: boolean;
  isSlow: boolean;
  /** Of every statement, so many end with a broken connection. */
  breaks: number;
  /** Counts its restarts. */
  run: number;
};

class Way {
  isCut = false;
  held: (() => void)[] = [];
}

export class Link {
  readonly toDatabase = new Way();
  readonly toMachine = new Way();
  readonly #server: Server;
  readonly #underway = new Set<(mayHaveHappened: boolean) => void>();
  #listening: Listening | undefined;
  #isConnected = false;

  constructor(server: Server) {
    this.#server = server;
  }

  /** As one process of the machine sees the database. */
  for(owner: Owner): { readonly database: SharedDatabase; readonly beats: Pick<SharedDatabase, "query"> } {
    const queryWithin =
      (limit: number): Query =>
      <Row extends object>(statement: Statement) =>
        this.#run(owner, limit, () => this.#server.tables.query(statement) as Row[]);
    const database = {
      schema: "ocsgw",
      where: "simulated database",
      query: queryWithin(LIMIT_MS.others),
      // All of it at the commit, so that nothing of it is there without the rest.
      transaction: <Value>(work: (query: Query) => Promise<Value>): Promise<Value> => this.#transaction(owner, work),
      listen: (channel: string, onPayload: (payload: string) => void, onConnected = (): void => undefined) =>
        this.#listen(owner, channel, onPayload, onConnected),
      distrust: () => undefined,
    };
    return { database: database as unknown as SharedDatabase, beats: { query: queryWithin(LIMIT_MS.beats) } };
  }

  cut(which: "both" | "toDatabase" | "toMachine"): void {
    this.toDatabase.isCut ||= which !== "toMachine";
    this.toMachine.isCut ||= which !== "toDatabase";
  }

  /** The way is free again: of what was under way, some arrives late and the rest is lost. */
  mend(): void {
    const { random, scheduler } = this.#server;
    for (const way of [this.toDatabase, this.toMachine]) {
      if (!way.isCut) continue;
      way.isCut = false;
      for (const arrive of way.held.splice(0))
        if (random.chance(0.5)) scheduler.outside(random.latency(1, 300), arrive);
      this.#isConnected = false;
    }
    this.#connect();
  }

  /** The server has ended every connection. */
  break(): void {
    for (const fail of this.#underway) fail(true);
    this.#isConnected = false;
  }

  /** After a break the listening connection comes back, and its owner reads what it has missed. */
  connectAgain(): void {
    this.#connect();
  }

  notify(channel: string, payload: string): void {
    const listening = this.#listening;
    if (!listening || !this.#isConnected) return;
    this.#travel(this.toMachine, listening.owner, () => listening.onPayload(channel, payload));
  }

  #run<Value>(owner: Owner, limit: number, work: () => Value): Promise<Value> {
    const { scheduler, random, isDown, breaks } = this.#server;
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const run = this.#server.run;
    let isOver = false;
    const fail = (mayHaveHappened: boolean): void => {
      if (isOver) return;
      isOver = true;
      this.#underway.delete(fail);
      const refused = (): void => reject(new DatabaseUnavailable("the connection ended", mayHaveHappened));
      scheduler.outside(random.latency(0.2, 2), refused, owner);
    };
    if (isDown) {
      fail(false);
      return promise;
    }
    this.#underway.add(fail);
    scheduler.outside(limit, () => fail(true), owner);
    const breaksBefore = random.chance(breaks / 2);
    const breaksAfter = random.chance(breaks / 2);
    this.#travel(this.toDatabase, undefined, () => {
      // A process that is dead has sent it all the same, but a server that was restarted never saw it.
      if (this.#server.run !== run || this.#server.isDown || breaksBefore) return fail(true);
      let answer: () => void;
      try {
        const value = work();
        answer = () => resolve(value);
      } catch (error) {
        answer = () => reject(error as Error);
      }
      if (breaksAfter) return fail(true);
      this.#travel(this.toMachine, owner, () => {
        if (isOver) return;
        isOver = true;
        this.#underway.delete(fail);
        answer();
      });
    });
    return promise;
  }

  /** The statements are read at once, and written at the commit. */
  async #transaction<Value>(owner: Owner, work: (query: Query) => Promise<Value>): Promise<Value> {
    const { tables } = this.#server;
    const statements: Statement[] = [];
    const query: Query = <Row extends object>(statement: Statement): Promise<Row[]> => {
      if (/^(?:INSERT|DELETE|UPDATE)/.test(statement.text)) {
        statements.push(statement);
        return Promise.resolve([]);
      }
      return this.#run(owner, LIMIT_MS.others, () => tables.query(statement) as Row[]);
    };
    const value = await work(query);
    await this.#run(owner, LIMIT_MS.others, () => {
      for (const statement of statements) tables.query(statement);
    });
    return value;
  }

  #listen(owner: Owner, channel: string, onPayload: (payload: string) => void, onConnected: () => void): () => void {
    const listening: Listening = {
      owner,
      onPayload: (name, payload) => {
        if (name === channel) onPayload(payload);
      },
      onConnected,
    };
    this.#listening = listening;
    this.#isConnected = false;
    this.#connect();
    return () => {
      if (this.#listening === listening) this.#listening = undefined;
    };
  }

  #connect(): void {
    const { scheduler, random } = this.#server;
    const listening = this.#listening;
    if (!listening) return;
    const connect = (): void => {
      if (this.#listening !== listening || this.#isConnected) return;
      if (this.#server.isDown || this.toDatabase.isCut || this.toMachine.isCut)
        return void scheduler.outside(random.between(200, 1000), connect, listening.owner);
      this.#isConnected = true;
      listening.onConnected();
    };
    scheduler.outside(random.between(1, 60), connect, listening.owner);
  }

  #travel(way: Way, owner: Owner | undefined, arrive: () => void): void {
    const { scheduler, random, isSlow } = this.#server;
    const takes = isSlow ? random.between(SLOW_MS.least, SLOW_MS.most) / 2 : random.latency(0.3, 12);
    const go = (): void => {
      if (owner?.isAlive === false) return;
      if (way.isCut) way.held.push(() => scheduler.outside(0, go, owner));
      else arrive();
    };
    scheduler.outside(takes, go, owner);
  }
}
