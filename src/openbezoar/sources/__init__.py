"""Where rows come from: public data sets, local files, and the rows shipped with the package."""
