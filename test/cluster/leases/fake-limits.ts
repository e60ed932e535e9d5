/** The windows of limits in memory: what `take_limits` does in the database. */
import { DatabaseUnavailable } from "../../../src/cluster/database-unavailable.ts";
import type { Ask, Grant, LimitStore } from "../../../src/cluster/leases/limits/limit-store.ts";

type Row = { points: number; begins: number; ends: number; taken: number };

export class FakeWindows {
  readonly rows = new Map<string, Row>();
  isCut = false;
  /** Milliseconds that an exchange takes, half of them there. */
  delay = 2;
  statements = 0;

  store(): LimitStore {
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, this.delay / 2));
    return {
      exchange: async (asks) => {
        this.statements++;
        await pause();
        if (this.isCut) throw new DatabaseUnavailable("cut", true);
        const grants = asks.map((ask) => this.#take(ask));
        await pause();
        return grants;
      },
    };
  }

  #take({ key, points, seconds, window, back, need, want, extra }: Ask): Grant {
    const now = performance.now();
    const row = this.rows.get(key) ?? { points, begins: -1, ends: -1, taken: 0 };
    this.rows.set(key, row);
    if (now >= row.ends) {
      Object.assign(row, { points, taken: 0, begins: now, ends: need + extra > 0 ? now + seconds * 1000 : now });
    } else {
      row.points = Math.min(row.points, points);
      row.ends = Math.max(row.ends, row.begins + seconds * 1000);
      if (window === String(row.begins)) row.taken = Math.max(0, row.taken - back);
    }
    row.taken += extra;
    let given = 0;
    if (row.ends > now) {
      const free = Math.max(0, row.points - row.taken);
      given = Math.min(free, need);
      given += Math.min(want, Math.floor((free - given) / 2));
      row.taken += given;
    }
    const rest = Math.max(0, row.points - row.taken);
    return { window: String(row.begins), given, rest, ms: row.ends - now };
  }
}
