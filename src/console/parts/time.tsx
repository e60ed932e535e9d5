/** A time in the zone that the user chose; the other zone is its title. */
import { preferences } from "../preferences.ts";
import { longTime, shortTime } from "../time.ts";

type Props = { readonly at: string; readonly long?: boolean; readonly decimals?: number };

export const Time = ({ at, long = false, decimals = 1 }: Props) => {
  const { zone } = preferences.value;
  const write = (isUtc: boolean): string => (long ? longTime(at, isUtc) : shortTime(at, isUtc, Date.now(), decimals));
  const utc = write(true);
  const shown = zone === "utc" ? utc : zone === "local" ? write(false) : `${utc} (${write(false)})`;
  return (
    <time class="number" dateTime={at} title={`${longTime(at, true)}\n${longTime(at, false)}`}>
      {shown}
    </time>
  );
};
