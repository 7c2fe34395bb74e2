#!/bin/sh
echo "$LEVEL $PLAY"
