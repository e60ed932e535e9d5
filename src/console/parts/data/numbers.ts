/** Numbers and sizes as people read them. */
export const whole = (number: number): string => number.toLocaleString("en");

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** "318 B", "4.2 MB". */
export const bytes = (size: number): string => {
  let [amount, unit] = [size, 0];
  while (amount >= 1000 && unit < UNITS.length - 1) [amount, unit] = [amount / 1000, unit + 1];
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]!}`;
};
