#!/usr/bin/perl
# A second opinion on SMPP (Net::SMPP): perl smsc-perl.pl PORT LOGFILE. One connection at a time.
# Numbers that end in 2 are throttled once; all others are taken, with a receipt (text only, decimal id, where the answer had hex).
# The log has one JSON line per submit_sm kept and per receipt acknowledged.
use strict;
use warnings;
use Net::SMPP;

$| = 1;
my ($port, $log) = @ARGV;
open(my $out, '>>', $log) or die "$log: $!";
$out->autoflush(1);
my $listener = Net::SMPP->new_listen('127.0.0.1', port => $port, smpp_version => 0x34) or die "listen: $!";
print "ready $port\n";
my ($number, %seen) = (4095);

sub answer_bind {
    my ($session, $pdu) = @_;
    my $good = $pdu->{password} eq 'secret';
    $session->bind_transceiver_resp(system_id => 'perl', seq => $pdu->{seq}, status => $good ? 0 : 0x0e);
    return $good;
}

sub take_submit {
    my ($session, $pdu) = @_;
    my $to = $pdu->{destination_addr};
    if ($to =~ /2$/ && !$seen{$to}++) {
        $session->submit_sm_resp(message_id => '', seq => $pdu->{seq}, status => 0x58);
        return;
    }
    my $id = sprintf('%X', ++$number);
    printf {$out} qq({"to":"%s","id":"%s","coding":%d,"esm":%d,"octets":"%s","validity":"%s"}\n), $to, $id, $pdu->{data_coding}, $pdu->{esm_class},
        unpack('H*', $pdu->{short_message}), $pdu->{validity_period};
    $session->submit_sm_resp(message_id => $id, seq => $pdu->{seq});
    $session->deliver_sm(async => 1, source_addr => $to, destination_addr => $pdu->{source_addr}, esm_class => 4,
        short_message => "id:$number sub:001 dlvrd:001 submit date:2611231200 done date:2611231201 stat:DELIVRD err:000 text:") if $pdu->{registered_delivery};
}

while (my $session = $listener->accept) {
    while (my $pdu = $session->read_pdu()) {
        my $command = $pdu->{cmd};
        if ($command == 9) { last unless answer_bind($session, $pdu) }
        elsif ($command == 4) { take_submit($session, $pdu) }
        elsif ($command == 0x15) { $session->enquire_link_resp(seq => $pdu->{seq}) }
        elsif ($command == 6) { $session->unbind_resp(seq => $pdu->{seq}); print {$out} qq({"unbind":1}\n); last }
        elsif ($command == 0x80000005) { printf {$out} qq({"ack":%d}\n), $pdu->{status} }
    }
    close $session;
}
