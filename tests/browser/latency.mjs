// How long a change takes to be seen in a browser on the same machine: from sending the edit to
// the new word in the page. Prints JSON; the first few rounds warm up.
import { browser, live, serve, visit } from "./house.mjs";

const ROUNDS = Number(process.argv[2] ?? 200);

const house = await serve();
const chromium = await browser();
try {
  const { items } = await house.api("GET", "/people");
  const person = items[0];
  await house.api("PUT", `/people/${person.name}/override`, { home: false });
  const { page } = await visit(chromium, house.url);
  await live(page);
  const took = await page.evaluate(
    async ({ name, id, rounds }) => {
      const took = [];
      for (let n = 0; n < rounds + 10; n += 1) {
        const home = n % 2 === 0;
        const word = home ? "here" : "away";
        const seen = new Promise((done) => {
          const look = () => document.querySelector(`#person-${id} .state`)?.textContent.includes(word) && done(performance.now());
          const watcher = new MutationObserver(look);
          watcher.observe(document.getElementById("main"), { subtree: true, childList: true, characterData: true, attributes: true });
        });
        const sent = performance.now();
        await fetch(`/api/v1/people/${name}/override`, {
          method: "PUT",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ home }),
        });
        const at = await seen;
        if (n >= 10) took.push(at - sent);
        await new Promise((done) => setTimeout(done, 30));
      }
      return took.sort((a, b) => a - b);
    },
    { name: person.name, id: person.id, rounds: ROUNDS },
  );
  await house.api("DELETE", `/people/${person.name}/override`);
  const at = (share) => Number(took[Math.min(took.length - 1, Math.floor(took.length * share))].toFixed(1));
  console.log(JSON.stringify({ rounds: took.length, p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), max_ms: at(1) }));
} finally {
  await chromium.close();
  await house.stop();
}
