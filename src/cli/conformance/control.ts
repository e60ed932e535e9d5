/** The sandbox's control listener, as far as a conformance run needs it. */

export type Control = {
  /** Restores the seeded world. */
  readonly reset: () => Promise<void>;
  /** Opens one record of the list and resolves to its handle. */
  readonly openHandle: () => Promise<string>;
};

const LIST = "Alpha List";

/** `url` is the control listener's base, such as http://127.0.0.1:18090/sandbox. */
export const createControl = (url: string): Control => {
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(`${url.replace(/\/$/, "")}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the sandbox answered ${answer.status} to POST ${path}`);
    const text = await answer.text();
    return text === "" ? undefined : JSON.parse(text);
  };
  const openHandle = async (): Promise<string> => {
    const opened = await post("/records/open", { list: LIST, count: 1 });
    const handle: unknown = Array.isArray(opened) ? (opened[0] as { handle?: unknown } | undefined)?.handle : undefined;
    if (typeof handle !== "number" && typeof handle !== "string")
      throw new Error(`the sandbox opened no record of ${LIST}`);
    return `${handle}`;
  };
  return {
    reset: async () => {
      await post("/reset", {});
    },
    openHandle,
  };
};
