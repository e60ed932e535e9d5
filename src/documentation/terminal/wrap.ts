/** Breaks a text into lines between its words. A word longer than a line is kept whole: it may be an address. */
export const wrapped = (text: string, width: number): readonly string[] => {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
};

/** As `wrapped`, but no line is longer than `width`: for columns. */
export const cut = (text: string, width: number): readonly string[] =>
  wrapped(text, width).flatMap((line) => line.match(new RegExp(`.{1,${width}}`, "gu")) ?? [""]);
