/** Exports that one user started on all nodes at once: which export on which node, or why none began there. */
import { ulid } from "../../common/ulid.ts";
import type { Viewer } from "../viewer.ts";

/** `id`: of the export on that node. */
export type GroupMember = { readonly node: string } & ({ readonly id: string } | { readonly reason: string });

export type ExportGroup = {
  readonly id: string;
  readonly by: string;
  readonly tenants: Viewer["tenants"];
  /** RFC 3339. */
  readonly started: string;
  /** Why nodes may be missing. */
  readonly trouble: string | undefined;
  readonly members: readonly GroupMember[];
};

/** The exports themselves are kept for a while by each node; these are only their ids. */
const MOST = 200;

export class ExportGroups {
  readonly #groups = new Map<string, ExportGroup>();

  add(about: Omit<ExportGroup, "id" | "started">): ExportGroup {
    const group = { ...about, id: ulid(), started: new Date().toISOString() };
    this.#groups.set(group.id, group);
    for (const id of this.#groups.keys()) {
      if (this.#groups.size <= MOST) break;
      this.#groups.delete(id);
    }
    return group;
  }

  /** A viewer of some tenants sees the groups that are narrowed to some of these. */
  get(id: string, { tenants: own }: Pick<Viewer, "tenants">): ExportGroup | undefined {
    const group = this.#groups.get(id);
    if (!group || own === "all") return group;
    return group.tenants !== "all" && group.tenants.every((dbid) => own.includes(dbid)) ? group : undefined;
  }
}
