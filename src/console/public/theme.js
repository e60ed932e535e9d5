// Runs before the first paint, so that a stored theme does not flash. `preferences.ts` writes what is read here.
try {
  const { theme, density } = JSON.parse(localStorage.getItem("ocsgw.preferences") ?? "{}");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  if (density === "comfortable") document.documentElement.dataset.density = density;
} catch {
  // Storage is blocked or its content is damaged: the system's theme applies.
}
