/** Formats an event of the sandbox for people. */

/** An event in the JSON of the control API. */
export type ControlEvent = {
  readonly id: number;
  readonly type: "record.dialed" | "record.stopped";
  /** ISO 8601. */
  readonly time: string;
  readonly tenant: { readonly dbid: number; readonly name: string };
  readonly list: string;
  readonly udata?: Readonly<Record<string, string | number>>;
  readonly phone?: string;
  readonly because?: string;
};

/** One line, with its line break. */
export const eventLine = ({ id, type, time, tenant, list, udata = {}, phone, because }: ControlEvent): string => {
  const what =
    type === "record.dialed"
      ? `dialed ${udata["GSW_PHONE"]}  handle ${udata["GSW_RECORD_HANDLE"]}  ${udata["GSW_RECORD_URI"]}`
      : `stopped ${phone}  ${because}`;
  return `${id}  ${time.slice(11, 19)}Z  ${tenant.name}  ${list}  ${what}\n`;
};
