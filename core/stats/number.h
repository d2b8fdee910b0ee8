/* Figures as the reader writes them: 3.66 in English, 3,66 in Vietnamese. */
#ifndef STATS_NUMBER_H
#define STATS_NUMBER_H

#define STATS_NUMBER_MAX 400

struct stats_number {
    char text[STATS_NUMBER_MAX];
};

/* digits after the sign. */
struct stats_number stats_number_fixed(double value, int digits);
/* digits that count: 0.0014, 12300. */
struct stats_number stats_number_short(double value, int digits);

#endif
