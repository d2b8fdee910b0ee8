// The year of campaigns in DuckDB, on two threads.
//   node history.js load CSVFOLDER FILE
//   node history.js QUESTION FILE
const { DuckDBInstance } = require('@duckdb/node-api');
const [, , what, where, file] = process.argv;
const WINDOW = 30 * 86400000; // report.py gives us the same
const DAY = `(sent_at + 25200000) // 86400000`; // local
const queries = {
    // messages and people reached by channel and place
    reach: `SELECT d.channel, c.locality, count(*), count(DISTINCT d.contact) FROM delivery d JOIN contact c ON c.id = d.contact
            WHERE d.state = 4 GROUP BY 1, 2 ORDER BY 1, 2`,
    // enrolments by the channel of the last message before them, and place
    last: `SELECT d.channel, c.locality, count(*) FROM enrolment e ASOF JOIN (SELECT * FROM delivery WHERE state = 4) d
           ON e.contact = d.contact AND e.at >= d.sent_at JOIN contact c ON c.id = e.contact
           WHERE d.sent_at > e.at - ${WINDOW} GROUP BY 1, 2 ORDER BY 1, 2`,
    // the same, all messages sharing alike, by campaign
    linear: `WITH touch AS (SELECT e.id, c.locality, d.campaign, count(*) OVER (PARTITION BY e.id) AS many FROM enrolment e
             JOIN delivery d ON d.contact = e.contact AND d.state = 4 AND d.sent_at <= e.at AND d.sent_at > e.at - ${WINDOW}
             JOIN contact c ON c.id = e.contact) SELECT campaign, locality, round(sum(1.0 / many), 2) FROM touch GROUP BY 1, 2 ORDER BY 1, 2`,
    // messages of one campaign by day and state
    days: `SELECT strftime(DATE '1970-01-01' + CAST(${DAY} AS INTEGER), '%Y-%m-%d'), CASE state WHEN 4 THEN 'accepted' ELSE 'failed' END, count(*)
           FROM delivery WHERE campaign = 7 GROUP BY 1, 2`,
};

async function load() {
    const connection = await (await DuckDBInstance.create(file)).connect();
    for (const table of ['contact', 'delivery', 'enrolment']) {
        await connection.run(`CREATE TABLE ${table} AS SELECT * FROM read_csv('${where}/${table}.csv')`);
    }
    await connection.run('CHECKPOINT');
}

async function ask() {
    const start = process.hrtime.bigint();
    const database = await DuckDBInstance.create(where, { access_mode: 'READ_ONLY', threads: '2' });
    const rows = (await (await database.connect()).runAndReadAll(queries[what])).getRows();
    const secs = Number(process.hrtime.bigint() - start) / 1e9;
    console.log(JSON.stringify({ secs, rows: rows.map((row) => row.map(String).join(',')) }));
}

(what === 'load' ? load() : ask()).catch((error) => {
    console.error(error);
    process.exit(1);
});
