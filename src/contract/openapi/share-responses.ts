/** Moves the Response Objects of operations into components, each once: most actions have the same answers. */

type Operation = {
  readonly operationId: string;
  readonly tags: readonly [resource: string];
  readonly responses: object;
  readonly [member: string]: unknown;
};
/** By path or by name, and by method. */
export type PathItems = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

type Shared = {
  /** The items with references. */
  readonly items: readonly PathItems[];
  /** For `components.responses`. */
  readonly responses: Readonly<Record<string, unknown>>;
};

export const shareResponses = (...all: readonly PathItems[]): Shared => {
  const names = new Map<string, string>();
  const taken = new Map<string, unknown>();
  const nameOf = (response: unknown, status: string, { tags: [resource], operationId }: Operation): string => {
    const text = JSON.stringify(response);
    const known = names.get(text);
    if (known !== undefined) return known;
    const last = status === "default" ? "Default" : `Status${status}`;
    const name = [last, `${resource}.${last}`, `${operationId}.${last}`].find((each) => !taken.has(each))!;
    names.set(text, name);
    taken.set(name, response);
    return name;
  };
  const shared = (operation: Operation): Operation => ({
    ...operation,
    responses: Object.fromEntries(
      Object.entries(operation.responses).map(([status, response]) => [
        status,
        { $ref: `#/components/responses/${nameOf(response, status, operation)}` },
      ]),
    ),
  });
  const items = all.map((each) => mapValues(each, (item) => mapValues(item, shared)));
  return { items, responses: Object.fromEntries(taken) };
};

const mapValues = <From, To>(from: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, to(value)]));
