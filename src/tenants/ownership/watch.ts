/**
 * Where the operator has stated that nothing separates the tenants' records, the one thing left to do: to notice when
 * two use the same handle.
 */

export type HandleWatch = {
  /**
   * The name of the tenant that used the handle before, if it was another one; once for each pair. `dbid` tells
   * tenants apart, whatever their names are; where it is left out, the names do.
   */
  readonly use: (upstream: string, handle: string, name: string, dbid?: number) => string | undefined;
  /** The upstream's OCS began a new life, or may have, in which a handle of before is another record. */
  readonly newLife: (upstream: string) => void;
};

/** `max`: handles remembered for each upstream; the oldest are forgotten. */
export const createHandleWatch = (max = 100_000): HandleWatch => {
  const upstreams = new Map<string, Map<string, Map<string | number, string>>>();
  return {
    use: (upstream, handle, name, dbid) => {
      const key = dbid ?? name;
      let users = upstreams.get(upstream);
      if (!users) upstreams.set(upstream, (users = new Map()));
      const known = users.get(handle);
      if (!known) {
        if (users.size >= max) users.delete(users.keys().next().value!);
        users.set(handle, new Map([[key, name]]));
        return undefined;
      }
      if (known.has(key)) return undefined;
      const [other] = known.values();
      known.set(key, name);
      return other;
    },
    newLife: (upstream) => void upstreams.delete(upstream),
  };
};
