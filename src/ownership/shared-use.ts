/** Detects that two `unscoped` tenants use the same record handle; nothing else separates their records. */

export type SharedUse = {
  /**
   * Records a use. Returns the name of another tenant that used the handle before; once for each pair. Tenants are
   * compared by `dbid` or, if that is absent, by name.
   */
  readonly use: (upstream: string, handle: string, name: string, dbid?: number) => string | undefined;
  /** Call this when the upstream's OCS was, or may have been, restarted: its handles belong to other records now. */
  readonly newLife: (upstream: string) => void;
};

/** `max`: number of handles remembered per upstream; the oldest are dropped. */
export const createSharedUse = (max = 100_000): SharedUse => {
  const upstreams = new Map<string, Map<string, Map<string | number, string>>>();
  return {
    use: (upstream, handle, name, dbid) => {
      const key = dbid ?? name;
      let handles = upstreams.get(upstream);
      if (!handles) upstreams.set(upstream, (handles = new Map()));
      const users = handles.get(handle);
      if (!users) {
        if (handles.size >= max) handles.delete(handles.keys().next().value!);
        handles.set(handle, new Map([[key, name]]));
        return undefined;
      }
      if (users.has(key)) return undefined;
      const [other] = users.values();
      users.set(key, name);
      return other;
    },
    newLife: (upstream) => void upstreams.delete(upstream),
  };
};
