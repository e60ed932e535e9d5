/** The database that the gateways share, and what may happen to it. */
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import { Link, type Server } from "./link.ts";
import { Tables } from "./tables.ts";

export class SimDatabase {
  readonly tables: Tables;
  readonly #server: Server;
  readonly #links = new Map<string, Link>();

  constructor(scheduler: Scheduler, random: Random) {
    this.tables = new Tables((channel, payload) => {
      for (const link of this.#links.values()) link.notify(channel, payload);
    });
    const links = this.#links;
    this.#server = {
      tables: this.tables,
      scheduler,
      random,
      get links() {
        return [...links.values()];
      },
      isDown: false,
      isSlow: false,
      breaks: 0,
      run: 0,
    };
  }

  link(name: string): Link {
    let link = this.#links.get(name);
    if (!link) this.#links.set(name, (link = new Link(this.#server)));
    return link;
  }

  /** It stops; what it has committed stays. */
  stop(): void {
    this.#server.isDown = true;
    this.#server.run++;
    for (const link of this.#links.values()) link.break();
  }

  start(): void {
    this.#server.isDown = false;
    for (const link of this.#links.values()) link.connectAgain();
  }

  set isSlow(isSlow: boolean) {
    this.#server.isSlow = isSlow;
  }

  /** Of every statement, so many end with a broken connection, and nobody knows whether they were carried out. */
  set breaks(share: number) {
    this.#server.breaks = share;
  }

  /** Every fault is over. */
  mend(): void {
    this.#server.isSlow = false;
    this.#server.breaks = 0;
    this.tables.clock.wallOffset = 0;
    for (const link of this.#links.values()) link.mend();
    if (this.#server.isDown) this.start();
  }
}
