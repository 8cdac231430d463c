// Sets the theme before the first paint: what the reader chose, else what the system says.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const kept = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off; then the choice lasts as long as the page
    }
  };
  const system = () => (dark.matches ? "dark" : "light");
  const paint = (theme) => root.setAttribute("data-theme", theme);
  paint(kept() || system());
  dark.addEventListener("change", () => paint(kept() || system()));
  root.addEventListener("toggle-theme", () => {
    const next = root.getAttribute("data-theme") === "dark" ? "light" : "dark";
    paint(next);
    try {
      if (next === system()) localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch {
      // as above
    }
  });
})();
