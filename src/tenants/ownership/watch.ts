/** Where the operator has stated that nothing separates the tenants' records, the one thing left to do: to notice when two use the same handle. */

export type HandleWatch = {
  /** The tenant that used the handle before, when it was another one; told once for each pair. */
  readonly use: (upstream: string, handle: string, tenant: string) => string | undefined;
};

/** `max`: handles remembered; the oldest are forgotten. */
export const createHandleWatch = (max = 100_000): HandleWatch => {
  const users = new Map<string, Set<string>>();
  return {
    use: (upstream, handle, tenant) => {
      const key = `${upstream}\0${handle}`;
      const known = users.get(key);
      if (!known) {
        if (users.size >= max) users.delete(users.keys().next().value!);
        users.set(key, new Set([tenant]));
        return undefined;
      }
      if (known.has(tenant)) return undefined;
      const [other] = known;
      known.add(tenant);
      return other;
    },
  };
};
