import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { publisher } from "../../src/index.js";
import { useCommand } from "../support/command.js";
import { useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";
import { until } from "../support/until.js";
import { ask, jsonOf, post, rawConnection } from "../support/web.js";

describe("lamplighter web", () => {
  const mesh = useMesh();
  const command = useCommand();

  it("calls services, shows events of nodes, publications, metrics and the dashboard, and ends at a signal", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const numbers = publisher<number>("demo.numbers", { replay: 5 });
    await mesh.host([echo, numbers], { nameserver, service: "/demo" });
    const dispatcher = command.start(["dispatcher", "-a", "tcp://127.0.0.1:0"]);
    const dispatching = await command.ready(dispatcher);
    const logfile = join(command.folder(), "access.log");
    const web = command.start(["web", "--port", "0", "-n", nameserver, "-d", dispatching, "--logfile", logfile]);
    const url = await command.ready(web);
    expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+$/);

    expect(jsonOf(await post(`${url}/call/demo.echo/echo`, [1]))).to.equal(1);
    expect((await ask(`${url}/dashboard`)).text).to.contain("<html");
    const front = await ask(`${url}/`);
    expect([front.status, front.headers.location]).to.deep.equal([302, "/dashboard"]);
    await until(async () => (await ask(`${url}/metrics`)).text.includes('service="/demo"'));

    const reader = await rawConnection(mesh, url);
    reader.socket.write("GET /subscribe?event=news HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(async () => {
      await ask(`${url}/publish?event=news&message=${encodeURIComponent('{"a": "ü"}')}`);
      return reader.said().includes('{"a": "\\u00fc"}\r\n');
    });

    await numbers.publish(1);
    const stream = await rawConnection(mesh, url);
    stream.socket.write("GET /events/demo.numbers?replay=5 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await stream.waitFor(/id: \S+\ndata: 1\n\n/);

    web.process.kill("SIGTERM");
    expect(await web.ended, web.err()).to.equal(0);
    expect(readFileSync(logfile, "utf8")).to.match(
      /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "POST \/call\/demo\.echo\/echo HTTP\/1\.1" 200 \d+ "-" "-"$/m,
    );
  });

  it("refuses what is not signed with the secret of --verify-secret", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const secret = command.file("secret", "hush\n");
    const web = command.start(["web", "-a", "127.0.0.1:0", "-n", nameserver, "--verify-secret", secret]);
    const url = await command.ready(web);
    const refused = await ask(`${url}/publish?event=news&message={}`);
    expect(refused.status).to.equal(403);
    expect(refused.text).to.contain("Signature invalid");
    expect(web.err()).to.not.contain("hush");
  });

  it("says what is wrong", async () => {
    expect(await command.run(["web", "--port", "x"])).to.include({ status: 2, out: "" });
    expect(await command.run(["web", "--port", "1", "-a", "127.0.0.1:0"])).to.include({ status: 2, out: "" });
    expect(await command.run(["web", "--verify-secret", "/nowhere/at/all"])).to.include({ status: 2, out: "" });
    const { address: nameserver } = await mesh.nameserver();
    const first = command.start(["web", "-a", "127.0.0.1:0", "-n", nameserver]);
    const url = await command.ready(first);
    expect(await command.run(["web", "-a", url, "-n", nameserver])).to.include({ status: 1, out: "" });
  });
});
