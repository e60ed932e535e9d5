/** Finds the row of a request by path and method. */
import type { Route } from "./route.ts";

export type Found<Deps> = {
  readonly rows: readonly Route<Deps>[];
  readonly params: Readonly<Record<string, string>>;
};

/** Paths without parameters are found first. */
export class RouteTable<Deps> {
  readonly #fixed = new Map<string, Route<Deps>[]>();
  readonly #patterns: { readonly pattern: RegExp; readonly rows: Route<Deps>[] }[] = [];

  /** Throws if two rows have the same method and path. */
  constructor(routes: readonly Route<Deps>[]) {
    for (const [path, rows] of Map.groupBy(routes, ({ path }) => path)) {
      const methods = rows.map(({ method }) => method);
      if (new Set(methods).size < methods.length) throw new Error(`two routes are ${methods.join(", ")} ${path}`);
      if (path.includes("{")) this.#patterns.push({ pattern: patternOf(path), rows });
      else this.#fixed.set(path, rows);
    }
  }

  at(path: string): Found<Deps> | undefined {
    const rows = this.#fixed.get(path);
    if (rows) return { rows, params: NONE };
    for (const { pattern, rows: matching } of this.#patterns) {
      const match = pattern.exec(path);
      if (match) return { rows: matching, params: { ...match.groups } };
    }
    return undefined;
  }
}

const NONE = Object.freeze({});

const patternOf = (path: string): RegExp =>
  new RegExp(
    `^${path
      .split(/(\{\w+\})/)
      .map((part) => (part.startsWith("{") ? `(?<${part.slice(1, -1)}>[\\w.~-]+)` : RegExp.escape(part)))
      .join("")}$`,
  );
