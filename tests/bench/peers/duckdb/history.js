// The year of campaigns in DuckDB, on two threads.
//   node history.js load CSVFOLDER FILE
//   node history.js reach FILE          messages and people reached by channel and place
const { DuckDBInstance } = require('@duckdb/node-api');
const [, , what, where, file] = process.argv;
const queries = {
    reach: `SELECT d.channel, c.locality, count(*), count(DISTINCT d.contact) FROM delivery d JOIN contact c ON c.id = d.contact
            WHERE d.state = 4 GROUP BY 1, 2 ORDER BY 1, 2`,
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
