/** Where the operator has stated that nothing separates the tenants' records, the one thing left to do: to notice when two use the same handle. */

export type HandleWatch = {
  /** The tenant that used the handle before, when it was another one; told once for each pair. */
  readonly use: (upstream: string, handle: string, tenant: string) => string | undefined;
  /** The upstream's OCS began a new life, in which a handle of before is another record. */
  readonly newEpoch: (upstream: string) => void;
};

/** `max`: handles remembered for each upstream; the oldest are forgotten. */
export const createHandleWatch = (max = 100_000): HandleWatch => {
  const upstreams = new Map<string, Map<string, Set<string>>>();
  return {
    use: (upstream, handle, tenant) => {
      let users = upstreams.get(upstream);
      if (!users) upstreams.set(upstream, (users = new Map()));
      const known = users.get(handle);
      if (!known) {
        if (users.size >= max) users.delete(users.keys().next().value!);
        users.set(handle, new Set([tenant]));
        return undefined;
      }
      if (known.has(tenant)) return undefined;
      const [other] = known;
      known.add(tenant);
      return other;
    },
    newEpoch: (upstream) => void upstreams.delete(upstream),
  };
};
